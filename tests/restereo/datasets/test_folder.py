"""Any folder: what becomes a pair, what a photo, and what belongs together."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from restereo import catalog
from restereo.datasets import Item, no_progress
from restereo.errors import UserError

Files = dict[str, str]


def noise(seed: int, width: int = 80, height: int = 70) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8))


def fetch(tmp_path: Path, **options: object) -> dict[str, Item]:
    destination = tmp_path / "out"
    destination.mkdir()
    source = catalog.build("source", "folder", path=str(tmp_path / "in"), **options)
    return {item.name: item for item in source.fetch(destination, no_progress)}


def save(tmp_path: Path, name: str, picture: Image.Image, **options: object) -> Path:
    file = tmp_path / "in" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, **options)
    return file


def stored(tmp_path: Path, item: Item, part: str) -> np.ndarray:
    return np.asarray(Image.open(tmp_path / "out" / item.files[part]))


def test_scene_folders_keep_their_bytes_and_leave_masks_alone(tmp_path: Path) -> None:
    left = save(tmp_path, "set/a/left.png", noise(1))
    save(tmp_path, "set/a/right.png", noise(2))
    save(tmp_path, "set/a/mask0nocc.png", noise(3))
    save(tmp_path, "set/a/disp_left.png", noise(4).convert("L"))
    items = fetch(tmp_path, disparity_scales={"set/*": 3})
    assert list(items) == ["set_a"]
    assert set(items["set_a"].files) == {"left", "right", "disparity_left"}
    assert items["set_a"].disparity_scale == 3
    assert (tmp_path / "out" / items["set_a"].files["left"]).read_bytes() == left.read_bytes()


@pytest.mark.parametrize("ends", [("_L", "_R"), ("_left", "_right"), ("-l", "-r")])
def test_two_halves_are_a_pair_and_one_half_is_a_photo(ends: tuple[str, str], tmp_path: Path) -> None:
    save(tmp_path, f"cat{ends[0]}.png", noise(1))
    save(tmp_path, f"cat{ends[1]}.png", noise(2))
    save(tmp_path, f"dog{ends[0]}.png", noise(3))
    items = fetch(tmp_path)
    assert items["cat"].kind == "pair"
    assert (stored(tmp_path, items["cat"], "right") == np.asarray(noise(2))).all()
    assert items[f"dog{ends[0]}"].kind == "photo"


@pytest.mark.parametrize(("name", "first"), [("a_sbs.png", "left"), ("a.sbs.png", "left"), ("a.jps", "right")])
def test_side_by_side_files_are_cut_in_two(name: str, first: str, tmp_path: Path) -> None:
    both = Image.new("RGB", (160, 70), "red")
    both.paste("blue", (80, 0, 160, 70))
    save(tmp_path, name, both, format="JPEG" if name.endswith("jps") else "PNG")
    (item,) = fetch(tmp_path).values()
    assert item.kind == "pair"
    red = stored(tmp_path, item, first)
    assert red.shape == (70, 80, 3)
    assert red[35, 40, 0] > 250
    assert red[35, 40, 2] < 5


def test_an_odd_side_by_side_file_is_one_sentence(tmp_path: Path) -> None:
    save(tmp_path, "a_sbs.png", noise(1, width=81))
    with pytest.raises(UserError, match=r"a_sbs.png: 81 px wide"):
        fetch(tmp_path)


def test_mpo_files_hold_the_left_view_first(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (80, 70), "red"), Image.new("RGB", (80, 70), "blue")
    save(tmp_path, "a.mpo", red, format="MPO", save_all=True, append_images=[blue])
    (item,) = fetch(tmp_path).values()
    assert stored(tmp_path, item, "left")[0, 0, 0] > 250
    assert stored(tmp_path, item, "right")[0, 0, 2] > 250


def test_an_mpo_file_with_one_picture_is_one_sentence(tmp_path: Path) -> None:
    save(tmp_path, "a.mpo", noise(1), format="JPEG")
    with pytest.raises(UserError, match=r"a.mpo: has no picture number 2"):
        fetch(tmp_path)


def test_names_are_unique_and_plain(tmp_path: Path) -> None:
    for name in ("a/b.png", "a/b.bmp", "a b.png", "a_b.png", "ü.png", ".hidden.png", ".git/c.png", "note.txt.png"):
        save(tmp_path, name, noise(len(name)))
    items = fetch(tmp_path)
    assert len(items) == 6
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.-") for name in items)
    assert sorted(items) == list(items)


def test_a_group_keeps_its_name_whatever_lies_beside_it(tmp_path: Path) -> None:
    """A name that two pictures have is changed, and half a pair becomes a pair; a split goes by the group."""
    few, more = ("a.png", "b_L.png", "c/left.png", "ü.png"), ("a.bmp", "b_R.png", "c/right.png", "ö.png")
    found = []
    for names in (few, few + more):
        for name in names:
            save(tmp_path / str(len(found)), name, noise(len(name)))
        items = fetch(tmp_path / str(len(found)))
        found.append({item.origin: item.group for item in items.values()})
    places = {"a.png": "a.png", "b_L.png": "b.png", "c/left.png": "c", "ü.png": "ü.png"}
    assert {place: found[1][later] for place, later in places.items()} == found[0]
    assert found[1]["ö.png"] != found[1]["ü.png"]


def test_groups_licences_include_and_exclude(tmp_path: Path) -> None:
    for name in ("rig/1.png", "rig/2.png", "x/venus.png", "x/bull.png", "free/3.png", "bad/4.png"):
        save(tmp_path, name, noise(len(name)))
    items = fetch(
        tmp_path,
        groups=["rig/*", ["*/venus.png", "*/bull.png"]],
        licence="mine",
        licences={"free/*": "CC0"},
        exclude=["bad/*"],
    )
    assert len(items) == 5
    assert items["rig_1"].group == items["rig_2"].group
    assert items["x_venus"].group == items["x_bull"].group != items["rig_1"].group
    assert items["free_3"].group == "free_3"
    assert {items["free_3"].licence, items["rig_1"].licence} == {"CC0", "mine"}


def test_the_folder_is_not_changed_and_the_result_repeats(tmp_path: Path) -> None:
    save(tmp_path, "a.png", noise(1))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "in").rglob("*")}
    first = fetch(tmp_path)
    (tmp_path / "out").rename(tmp_path / "earlier")
    assert fetch(tmp_path) == first
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "in").rglob("*")} == before


def test_missing_and_empty_folders_and_unset_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="no such folder; check 'path'"):
        fetch(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "out").rmdir()
    with pytest.raises(UserError, match="no pictures in it"):
        fetch(tmp_path)
    monkeypatch.setenv("PICTURES", str(tmp_path / "in"))
    save(tmp_path, "a.png", noise(1))
    source = catalog.build("source", "folder", path="$PICTURES")
    assert len(source.fetch(tmp_path / "out", no_progress)) == 1
    with pytest.raises(UserError, match="no option 'licenses': did you mean 'licences'"):
        catalog.build("source", "folder", path=".", licenses={})
