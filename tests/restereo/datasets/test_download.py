"""The downloader against a server on this machine: whatever goes wrong, the file is right, or the sentence is."""

import base64
import hashlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from restereo.datasets import archive
from restereo.datasets import download as downloader
from restereo.datasets.download import ATTEMPTS, download
from restereo.errors import UserError
from tests.restereo.datasets.serving import Reply, Site, serving

CONTENT = np.random.default_rng(0).integers(0, 256, 3_000_000, np.uint8).tobytes()
SHA = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site(CONTENT)) as running:
        yield running


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", slept.append)
    return slept


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_whole_file_is_one_request_and_leaves_nothing_beside_it(tmp_path, site, pauses):
    description = []
    digest = download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA, lambda *step: description.append(step))
    assert digest == SHA and (tmp_path / "a.zip").read_bytes() == CONTENT
    assert left(tmp_path) == {"a.zip"} and site.ranges() == [None] and pauses == []
    assert (0, len(CONTENT), "a.zip") in description and (len(CONTENT), len(CONTENT), "a.zip") in description


def test_a_cut_is_resumed_where_it_ended(tmp_path, site):
    site.replies = [Reply(cut=1_234_567), Reply()]
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert (tmp_path / "a.zip").read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=1234567-"] and site.asked[1]["if-range"] == '"one"'
    assert site.sent == [1_234_567, len(CONTENT) - 1_234_567]


def test_the_next_run_resumes_too(tmp_path, site):
    site.replies = [Reply(cut=1_000_000), Reply(status=500)]
    with pytest.raises(UserError, match=r"1,000,000 bytes are kept in .*a\.zip\.part: run the same command again"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert left(tmp_path) == {"a.zip.part", "a.zip.part.json"}
    site.replies, site.asked = [Reply()], []
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert site.ranges() == ["bytes=1000000-"] and (tmp_path / "a.zip").read_bytes() == CONTENT


def test_ctrl_c_leaves_only_what_the_next_run_goes_on_with(tmp_path, site):
    def interrupt(done: int, total: int | None, what: str = "", /) -> None:
        if done > 1_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA, interrupt)
    assert left(tmp_path) == {"a.zip.part", "a.zip.part.json"}
    kept = (tmp_path / "a.zip.part").stat().st_size
    assert kept > 1_000_000
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert site.ranges() == [None, f"bytes={kept}-"] and left(tmp_path) == {"a.zip"}


def test_a_server_that_cannot_resume_sends_all_again(tmp_path, site):
    site.replies = [Reply(cut=1_000_000), Reply(ranges=False)]
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert site.sent == [1_000_000, len(CONTENT)] and (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_anew_not_joined(tmp_path, site):
    """`If-Range` makes a good server send the new file whole."""
    site.replies = [Reply(cut=1_000_000), Reply(status=503)]
    with pytest.raises(UserError, match="gave up"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip")
    site.content, site.replies = OTHER, [Reply(etag='"two"')]
    download(f"{site.url}/a.zip", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == OTHER


def test_killed_between_the_note_and_the_file(tmp_path, site, monkeypatch):
    """The note of the new file is never beside the beginning of the old one."""
    (tmp_path / "a.zip.part").write_bytes(OTHER[:1000])
    note = {"url": f"{site.url}/a.zip", "etag": '"zero"', "modified": "", "total": len(CONTENT)}
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(downloader, "_receive", Mock(side_effect=KeyboardInterrupt))
        download(f"{site.url}/a.zip", tmp_path / "a.zip")
    download(f"{site.url}/a.zip", tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


@pytest.mark.parametrize("lie", ["etag", "size", "place"])
def test_a_rest_of_another_file_is_never_joined(tmp_path, site, lie):
    """A server that ignores `If-Range` and sends the rest of another file, or another part than asked for."""
    note = {"url": f"{site.url}/a.zip", "etag": '"one"', "modified": "", "total": len(CONTENT)}
    note |= {"etag": {"etag": '"zero"'}, "size": {"total": len(CONTENT) + 1}, "place": {}}[lie]
    (tmp_path / "a.zip.part").write_bytes(OTHER[:1000])
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))
    site.replies = [Reply(status=206) if lie == "place" else Reply(heeds=False), Reply()]
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert site.ranges() == ["bytes=1000-", None]
    assert (tmp_path / "a.zip").read_bytes() == CONTENT


def test_a_part_of_another_address_or_without_its_note_is_not_gone_on_with(tmp_path, site):
    (tmp_path / "a.zip.part").write_bytes(OTHER[:1000])
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    (tmp_path / "b.zip.part").write_bytes(OTHER[:1000])
    note = {"url": "http://elsewhere/b.zip", "etag": '"one"', "modified": "", "total": len(CONTENT)}
    (tmp_path / "b.zip.part.json").write_text(json.dumps(note))
    download(f"{site.url}/b.zip", tmp_path / "b.zip", SHA)
    assert site.ranges() == [None, None]


def test_a_part_that_is_whole_already_is_taken(tmp_path, site):
    """Killed between the last byte and the move."""
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    note = {"url": f"{site.url}/a.zip", "etag": '"one"', "modified": "", "total": len(CONTENT)}
    (tmp_path / "a.zip.part.json").write_text(json.dumps(note))
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert site.sent == [0] and left(tmp_path) == {"a.zip"}


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again_after_longer_and_longer_pauses(tmp_path, site, pauses, status):
    site.replies = [*(Reply(status=status) for _ in range(4)), Reply()]
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert pauses == [2.0, 4.0, 8.0]


def test_the_pause_that_a_server_asks_for_is_kept_within_reason(tmp_path, site, pauses):
    site.replies = [
        Reply(status=503, headers={"Retry-After": "7"}),
        Reply(status=429, headers={"Retry-After": "9999"}),
        Reply(),
    ]
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert pauses == [7.0, 60.0]


def test_giving_up_is_one_sentence(tmp_path, site):
    site.replies = [Reply(status=503)]
    with pytest.raises(UserError) as caught:
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    message = str(caught.value)
    assert "503" in message and f"gave up after {ATTEMPTS} attempts" in message and "\n" not in message
    assert len(site.asked) == ATTEMPTS and left(tmp_path) == set()


def test_a_line_that_is_cut_again_and_again_still_brings_the_file(tmp_path, site):
    """More cuts than attempts: those that bring something are no failures."""
    site.content = CONTENT * 4
    site.replies = [*(Reply(cut=1_100_000) for _ in range(ATTEMPTS + 2)), Reply()]
    download(f"{site.url}/a.zip", tmp_path / "a.zip")
    assert len(site.asked) == ATTEMPTS + 3 and (tmp_path / "a.zip").read_bytes() == CONTENT * 4


def test_a_line_that_is_cut_at_once_is_given_up(tmp_path, site):
    site.replies = [Reply(cut=1000)]
    with pytest.raises(UserError, match=f"gave up after {ATTEMPTS} attempts, 6,000 bytes are kept"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip")
    assert len(site.asked) == ATTEMPTS


def test_the_systems_proxy_is_used(tmp_path, site, monkeypatch):
    monkeypatch.setenv("http_proxy", site.url.replace("http://", "me:p%40ss@"))
    download("http://sea.example/a.zip", tmp_path / "a.zip", SHA)
    assert site.asked[0]["host"] == "sea.example"
    assert base64.b64decode(site.asked[0]["proxy-authorization"].removeprefix("Basic ")) == b"me:p@ss"
    monkeypatch.setenv("no_proxy", "sea.example")
    monkeypatch.setattr(socket, "getaddrinfo", Mock(side_effect=socket.gaierror("no such host")))
    with pytest.raises(UserError, match="no such host"):
        download("http://sea.example/a.zip", tmp_path / "a.zip", SHA)


def test_nobody_there(tmp_path, site):
    with serving(Site(b"")) as gone:
        url = gone.url
    with pytest.raises(UserError, match=rf"refused.*gave up after {ATTEMPTS} attempts"):
        download(f"{url}/a.zip", tmp_path / "a.zip", SHA)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_not_asked_twice(tmp_path, site, status):
    site.replies = [Reply(status=status)]
    with pytest.raises(UserError, match=f"answers {status} .*; look whether the file has moved"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert len(site.asked) == 1


def test_a_web_page_is_not_the_file(tmp_path, site):
    site.replies = [Reply(headers={"Content-Type": "text/html; charset=utf-8"})]
    with pytest.raises(UserError, match="a web page instead of the file"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip")
    assert left(tmp_path) == set()


def test_other_bytes_than_expected_are_thrown_away(tmp_path, site):
    site.content = OTHER
    with pytest.raises(UserError) as caught:
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert hashlib.sha256(OTHER).hexdigest() in str(caught.value) and SHA in str(caught.value)
    assert left(tmp_path) == set() and len(site.asked) == 1


def test_a_server_that_does_not_say_how_much(tmp_path, site):
    site.replies = [Reply(length=False)]
    description = []
    download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA, lambda *step: description.append(step))
    assert (tmp_path / "a.zip").read_bytes() == CONTENT and (len(CONTENT), None, "a.zip") in description


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path, site):
    (tmp_path / "a.zip").write_bytes(b"old")
    site.replies = [Reply(status=404)]
    with pytest.raises(UserError):
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert (tmp_path / "a.zip").read_bytes() == b"old"


def test_a_full_disk_is_said_before_it_is_full(tmp_path, site, monkeypatch):
    free = archive.shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: free)
    with pytest.raises(UserError, match=r"GB are to be written, but .* left; free some space"):
        download(f"{site.url}/a.zip", tmp_path / "a.zip", SHA)
    assert left(tmp_path) == set()


def test_a_missing_folder_is_a_sentence(tmp_path, site):
    with pytest.raises(UserError, match="check the disk"):
        download(f"{site.url}/a.zip", tmp_path / "gone" / "a.zip", SHA)
