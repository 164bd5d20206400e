"""Every public data set, on a tiny archive laid out as its authors have it: items, groups, terms, disparities."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from restereo import catalog
from restereo.datasets import Item, no_progress
from restereo.datasets.archive import stem
from restereo.datasets.download import RECORD
from restereo.datasets.pairs import PairFiles, read_pair
from restereo.datasets.public import PUBLIC
from restereo.datasets.public_source import PublicSource
from restereo.errors import UserError
from restereo.io.read import read_picture
from tests.restereo.datasets.layouts import CASES, DISPARITY, packed, png


def fetched(source: PublicSource, destination: Path) -> dict[str, Item]:
    destination.mkdir()
    return {item.name: item for item in source.fetch(destination, no_progress)}


def offline(name: str, archives: Path) -> PublicSource:
    """The source, its stated checksums left out: the archives here are not the real ones."""
    case = CASES[name]
    stems = {stem(file) for file in case.archives}
    files = [file._replace(sha256=None) for file in PUBLIC[name].files if stem(file.name) in stems]
    return PublicSource(name, replace(PUBLIC[name], files=files), archives)


@pytest.mark.parametrize("name", PUBLIC)
def test_the_documented_layout_becomes_items(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for file, members in case.archives.items():
        packed(tmp_path / "in" / file, members)
    items = fetched(offline(name, tmp_path / "in"), tmp_path / "out")
    assert {key: set(item.files) for key, item in items.items()} == case.items
    assert list(items) == sorted(items) and len({item.group for item in items.values()}) == len(items)
    on_disk = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert on_disk == {file for item in items.values() for file in item.files.values()}
    for item in items.values():
        assert case.licence in item.licence and PUBLIC[name].page in item.origin
        assert str(tmp_path) not in json.dumps(item.as_row())
        assert item.split == ("test" if item.name in case.benchmark else None)
        files = {part: tmp_path / "out" / file for part, file in item.files.items()}
        if item.kind == "photo":
            assert read_picture(files["photo"]).shape == (40, 40, 3)
            continue
        pair = read_pair(PairFiles(item.name, **files), item.disparity_scale)
        assert pair.left[4, 4].max() < 50 and pair.right[4, 4].min() > 200
        assert (pair.disparity is not None) == ("disparity_left" in files)
        if pair.disparity is not None:
            assert np.isnan(pair.disparity[0][0]).all() and (pair.disparity[0][1:] == DISPARITY).all()
            assert np.isnan(pair.disparity[1]).all() == ("disparity_right" not in files)


@pytest.mark.parametrize("name", PUBLIC)
def test_an_archive_may_be_unpacked_by_hand(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for file, members in case.archives.items():
        for member, content in members.items():
            place = tmp_path / "in" / file.split(".")[0] / member
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    source = offline(name, tmp_path / "in")
    assert {key: set(item.files) for key, item in fetched(source, tmp_path / "out").items()} == case.items
    assert source.archives() == {}


@pytest.mark.parametrize("name", PUBLIC)
def test_what_has_to_be_got_by_hand_is_said_in_a_sentence(name: str, tmp_path: Path) -> None:
    described = PUBLIC[name]
    by_hand = [file.name for file in described.files if file.url is None]
    assert bool(by_hand) == bool(described.login)
    if not by_hand:
        return
    folder = tmp_path / "archives"
    with pytest.raises(UserError) as caught:
        catalog.build("source", name, archives=str(folder)).fetch(tmp_path, no_progress)
    message = str(caught.value)
    assert (
        message.startswith(f"{folder}: ")
        and described.page in message
        and described.login in message
        and "\n" not in message
    )
    assert all(file in message for file in by_hand)
    packed(folder / by_hand[0], {"x": b""})
    if len(by_hand) > 1:
        with pytest.raises(UserError, match=f": {by_hand[1]}"):
            catalog.build("source", name, archives=str(folder)).fetch(tmp_path, no_progress)


@pytest.mark.parametrize("name", PUBLIC)
def test_descriptions_are_whole(name: str) -> None:
    described = PUBLIC[name]
    assert described.licence and described.page.startswith("https://")
    assert described.item.startswith(f"{name}_")
    for file in described.files:
        assert file.url is None or file.url.startswith("https://")
        assert file.sha256 is None or len(bytes.fromhex(file.sha256)) == 32


def test_the_archives_lie_under_data_where_git_ignores_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^data/archives/kitti2015: data_scene_flow\.zip is not there"):
        catalog.build("source", "kitti2015").fetch(tmp_path, no_progress)
    with pytest.raises(UserError, match=r"\$UNSET_PLACE/x: no such variable; export it"):
        catalog.build("source", "kitti2015", archives="$UNSET_PLACE/x")


def test_include_takes_some(tmp_path: Path) -> None:
    packed(tmp_path / "in" / "data_scene_flow.zip", CASES["kitti2015"].archives["data_scene_flow.zip"])
    source = catalog.build("source", "kitti2015", archives=str(tmp_path / "in"), include=["kitti2015_test_*"])
    assert list(fetched(source, tmp_path / "out")) == ["kitti2015_test_000007_10"]


def test_an_archive_of_something_else_and_half_a_pair(tmp_path: Path) -> None:
    packed(tmp_path / "in" / "data_scene_flow.zip", {"readme.txt": b"hello"})
    source = catalog.build("source", "kitti2015", archives=str(tmp_path / "in"))
    with pytest.raises(UserError, match="nothing in its archives is laid out as kitti2015 is"):
        source.fetch(tmp_path, no_progress)
    packed(tmp_path / "in" / "data_scene_flow.zip", {"training/image_2/000000_10.png": png(1)})
    assert not (tmp_path / "in" / RECORD).exists()  # What was not the data set is not held against the right one.
    with pytest.raises(
        UserError, match=r"data_scene_flow\.zip: no 'right' belongs to 'training/image_2/000000_10\.png'"
    ):
        source.fetch(tmp_path, no_progress)


def test_middlebury_needs_only_the_archives_of_the_scenes_included(tmp_path: Path) -> None:
    case = CASES["middlebury2014"]
    packed(tmp_path / "in" / "Piano-perfect.zip", case.archives["Piano-perfect.zip"])
    source = catalog.build("source", "middlebury2014", archives=str(tmp_path / "in"), include=["middlebury2014_Pi?no"])
    assert list(fetched(source, tmp_path / "out")) == ["middlebury2014_Piano"]
