"""From a server to `data/raw`: what is kept, what is noticed, and what a failure leaves."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.stages import download as stage
from restereo.datasets import Item, no_progress
from restereo.datasets.download import recorded
from restereo.datasets.public import DataSet, RemoteFile
from restereo.datasets.public_source import PublicSource
from restereo.errors import UserError
from tests.restereo.datasets.layouts import packed, png
from tests.restereo.datasets.serving import Reply, Site, serving

PHOTOS = {f"sea/{n}.png": png(n) for n in range(3)}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda _: None)
    with serving(Site(packed(tmp_path / "made.zip", PHOTOS).read_bytes())) as running:
        yield running


@pytest.fixture
def sea(site: Site, tmp_path: Path) -> Callable[..., PublicSource]:
    def make(sha256: str | None = None) -> PublicSource:
        files = (RemoteFile("sea.zip", f"{site.url}/sea.zip", sha256),)
        parts = {"photo": r"sea/(?P<n>\d)\.png"}
        described = DataSet("https://sea.example", files, "CC0", "sea_{n}", parts)
        return PublicSource("sea", described, tmp_path / "archives")

    return make


def fetched(source: PublicSource, destination: Path) -> dict[str, Item]:
    destination.mkdir()
    return {item.name: item for item in source.fetch(destination, no_progress)}


def test_the_first_download_is_recorded_and_the_second_fetch_needs_none(sea, site: Site, tmp_path: Path) -> None:
    source = sea()
    first = fetched(source, tmp_path / "one")
    assert list(first) == ["sea_0", "sea_1", "sea_2"] and len(site.asked) == 1
    assert recorded(tmp_path / "archives") == source.archives() and len(source.archives()["sea.zip"]) == 64
    assert fetched(sea(), tmp_path / "two") == first and len(site.asked) == 1


def test_a_folder_that_may_only_be_read_will_do(sea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed(tmp_path / "archives" / "sea.zip", PHOTOS)
    monkeypatch.setattr("os.access", lambda *_: False)  # Root may write anywhere.
    assert len(fetched(sea(), tmp_path / "one")) == 3
    assert [path.name for path in (tmp_path / "archives").iterdir()] == ["sea.zip"]


def test_what_is_no_archive_is_not_recorded(sea, site: Site, tmp_path: Path) -> None:
    good, site.content = site.content, b"please log in"
    with pytest.raises(UserError, match=r"sea\.zip: neither a whole zip nor a tar"):
        fetched(sea(), tmp_path / "one")
    (tmp_path / "archives" / "sea.zip").unlink()
    site.content = good
    assert len(fetched(sea(), tmp_path / "two")) == 3


def test_a_cached_archive_that_changed_is_noticed(sea, tmp_path: Path) -> None:
    fetched(sea(), tmp_path / "one")
    before = recorded(tmp_path / "archives")["sea.zip"]
    packed(tmp_path / "archives" / "sea.zip", {"sea/9.png": png(9)})
    with pytest.raises(UserError, match=f"was {before} when the file first came; .* delete its line in .*SHA256SUMS"):
        fetched(sea(), tmp_path / "two")
    with pytest.raises(UserError, match=f"but {'0' * 64} is right"):
        fetched(sea("0" * 64), tmp_path / "three")


def test_a_remote_that_changed_is_noticed_when_the_archive_is_gone(sea, site: Site, tmp_path: Path) -> None:
    fetched(sea(), tmp_path / "one")
    before = recorded(tmp_path / "archives")["sea.zip"]
    (tmp_path / "archives" / "sea.zip").unlink()
    site.content = packed(tmp_path / "other.zip", {"sea/9.png": png(9)}).read_bytes()
    with pytest.raises(UserError, match=f"but {before} is expected"):
        fetched(sea(), tmp_path / "two")
    assert not (tmp_path / "archives" / "sea.zip").exists()


def test_the_stage_keeps_the_sums_and_notices_a_change_without_the_record(sea, site: Site, tmp_path: Path) -> None:
    """The whole folder of archives is gone; `index.json` in `data/raw` still knows."""
    target = tmp_path / "raw" / "sea"
    stage.fetch("sea", sea(), target)
    before = json.loads((target / "index.json").read_text())["archives"]["sea.zip"]
    for file in (tmp_path / "archives").iterdir():
        file.unlink()
    site.content = packed(tmp_path / "other.zip", {"sea/9.png": png(9)}).read_bytes()
    with pytest.raises(UserError, match=rf"sea\.zip had the sha256 {before}, now it has"):
        stage.fetch("sea", sea(), target)
    assert {path.name for path in target.iterdir()} == {"index.json", "sea_0.png", "sea_1.png", "sea_2.png"}
    (target / "index.json").unlink()
    assert [item.name for item in stage.fetch("sea", sea(), target)] == ["sea_9"]


def test_an_evil_archive_leaves_the_stage_as_it_was(sea, site: Site, tmp_path: Path) -> None:
    site.content = packed(tmp_path / "evil.zip", PHOTOS | {"../evil.png": png(1)}).read_bytes()
    with pytest.raises(UserError, match=r"'\.\./evil\.png' would leave the folder"):
        stage.fetch("sea", sea(), tmp_path / "raw" / "sea")
    assert list((tmp_path / "raw").iterdir()) == [] and not list(tmp_path.rglob("evil.png"))


def test_a_damaged_member_leaves_the_stage_as_it_was(sea, site: Site, tmp_path: Path) -> None:
    damaged = bytearray(site.content)
    damaged[damaged.rindex(b"IDAT") + 100] ^= 1
    site.content = bytes(damaged)
    with pytest.raises(UserError, match=r"sea\.zip: damaged or cut short"):
        stage.fetch("sea", sea(), tmp_path / "raw" / "sea")
    assert list((tmp_path / "raw").iterdir()) == []


def test_a_failed_download_leaves_the_stage_as_it_was(sea, site: Site, tmp_path: Path) -> None:
    site.replies = [Reply(cut=100)]
    with pytest.raises(UserError, match="gave up"):
        stage.fetch("sea", sea(), tmp_path / "raw" / "sea")
    assert list((tmp_path / "raw").iterdir()) == []
    site.replies = [Reply()]
    assert len(stage.fetch("sea", sea(), tmp_path / "raw" / "sea")) == 3
    assert site.ranges()[-1] is not None
