"""Eleven faults, injected into a set that passes: each is caught, named, and nothing else is blamed."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import skimage
import yaml
from PIL import Image

from pipelines import paths
from pipelines.reporting import report
from pipelines.stages import download, validate
from pipelines.validation.splits import drawn_split
from restereo.config import Validate
from restereo.datasets.pairs import scene_in
from restereo.errors import UserError
from restereo.imaging.anaglyph import form
from restereo.imaging.pair_faults import order_score
from restereo.imaging.scenes import random_scene
from restereo.io.read import read_picture
from restereo.methods import METHODS

PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SEEDS = {"one": 57, "two": 16}
"""Generated pairs in which hidden strips are wide enough to tell left from right."""
MORE = {"grey": 0, "turned": 1, "flat": 3, "mixed": 4}


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four photos and two pairs without a fault."""
    folder = tmp_path_factory.mktemp("clean")
    for name in PHOTOS:
        Image.fromarray(getattr(skimage.data, name)()).resize((160, 128)).save(folder / f"{name}.png")
    for name, seed in SEEDS.items():
        write_pair(folder, name, seed)
    return folder


def write_pair(folder: Path, name: str, seed: int) -> None:
    photos = [getattr(skimage.data, photo)() for photo in PHOTOS]
    scene = random_scene(photos, np.random.default_rng(seed), (192, 256), 40.0)
    (folder / name).mkdir()
    for eye, view in (("left", scene.left), ("right", scene.right)):
        Image.fromarray(view).save(folder / name / f"{eye}.png")


@pytest.fixture
def folder(clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the clean set, in a project with one evaluated recipe, for the report."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(clean, "pictures")
    figures = {"headline": "missing_psnr", "variants": {"clean": {"unet": {"missing_psnr": 20.0}}}}
    file = paths.metrics("anaglyph", "unet")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(figures))
    return Path("pictures")


def run(licence: str = "CC0-1.0") -> None:
    params = {
        "sources": {"folder": {"path": "pictures", "licence": licence}},
        "tasks": {"anaglyph": {"sources": ["folder"]}},
        "recipes": {"unet": {"task": "anaglyph", "model": "unet", "objective": "pixel"}},
        "validate": {"assign": {"folder/astronaut": "validation", "folder/rocket": "test", "folder/coffee": "train"}},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))
    download.main("folder")
    validate.main()


def findings() -> dict[str, dict[str, dict[str, str]]]:
    """Returns, by rule, the rows that break it, with value and file."""
    rules = json.loads(paths.VALIDATION.read_text())["rules"]
    return {name: rule["rows"] for name, rule in rules.items() if rule["rows"]}


def truncated(folder: Path) -> None:
    file = folder / "coffee.png"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def swapped(folder: Path) -> None:
    left, right, other = (folder / "one" / f"{name}.png" for name in ("left", "right", "other"))
    left.rename(other)
    right.rename(left)
    other.rename(right)


def twice(folder: Path) -> None:
    """Under a name that falls into another split."""
    names = (f"copy{number}" for number in range(100))
    copy = next(name for name in names if drawn_split(0, "folder", name, 0.1, 0.1) != "train")
    shutil.copy(folder / "coffee.png", folder / f"{copy}.png")


def misaligned(folder: Path) -> None:
    for eye, top in (("left", 0), ("right", 7)):
        change(folder / "one" / f"{eye}.png", lambda view, top=top: view.crop((0, top, 256, top + 185)))


def grey(folder: Path) -> None:
    change(folder / "coffee.png", lambda photo: photo.convert("L"))


def turned(folder: Path) -> None:
    _tag(folder / "one" / "right.png", 6)


def _tag(file: Path, orientation: int) -> None:
    """Says by EXIF that a picture is to be turned; its pixels stay."""
    tag = Image.Exif()
    tag[0x0112] = orientation
    Image.open(file).save(file, exif=tag)


def see_through(folder: Path) -> None:
    hole = Image.new("L", (160, 128), 255)
    hole.paste(0, (40, 40, 80, 80))
    change(folder / "coffee.png", lambda photo: _with_alpha(photo, hole))


def other_size(folder: Path) -> None:
    change(folder / "one" / "right.png", lambda view: view.resize((248, 192)))


def constant(folder: Path) -> None:
    change(folder / "coffee.png", lambda photo: Image.new("RGB", photo.size))


def anaglyph_photo(folder: Path) -> None:
    _anaglyph(folder, "one").save(folder / "found.png")
    shutil.rmtree(folder / "one")


def change(file: Path, how: Callable[[Image.Image], Image.Image]) -> None:
    with Image.open(file) as picture:
        how(picture).save(file)


def _with_alpha(photo: Image.Image, alpha: Image.Image) -> Image.Image:
    photo.putalpha(alpha)
    return photo


def _anaglyph(folder: Path, pair: str) -> Image.Image:
    left, right = (np.asarray(Image.open(folder / pair / f"{eye}.png")) for eye in ("left", "right"))
    return Image.fromarray(form(left, right, METHODS["red-cyan-color"]))


def nothing(folder: Path) -> None:
    """The licence is missing from `params.yaml`, not from the folder."""


class Fault(NamedTuple):
    inject: Callable[[Path], None]
    rule: str
    item: str
    file: str


FAULTS = {
    "truncated PNG": Fault(truncated, "readable", "coffee", "coffee.png"),
    "swapped eyes": Fault(swapped, "eye_order", "one", "one/left.png"),
    "one photo in two splits": Fault(twice, "same_file_across_splits", "coffee", "coffee.png"),
    "vertical misalignment": Fault(misaligned, "same_rows", "one", "one/right.png"),
    "grey in a colour set": Fault(grey, "colour", "coffee", "coffee.png"),
    "EXIF rotation of one eye": Fault(turned, "same_orientation", "one", "one/right.png"),
    "alpha channel": Fault(see_through, "opaque", "coffee", "coffee.png"),
    "eyes of two sizes": Fault(other_size, "same_size", "one", "one/right.png"),
    "constant picture": Fault(constant, "contrast", "coffee", "coffee.png"),
    "anaglyph among the photos": Fault(anaglyph_photo, "no_anaglyph", "found", "found.png"),
    "missing licence": Fault(nothing, "licence", "one", "one/left.png"),
}


def test_the_clean_set_passes_without_a_word(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run()
    assert findings() == {}
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_caught_and_named(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fault = FAULTS[name]
    item, file = f"folder/{fault.item}", f"data/raw/folder/{fault.file}"
    fault.inject(folder)
    with pytest.raises(UserError) as error:
        run(licence="" if fault.rule == "licence" else "CC0-1.0")
    assert all(words in str(error.value) for words in ("manifest.csv: ", fault.rule, "data/raw/folder/"))
    found = findings()
    assert list(found) == [fault.rule]
    assert file in found[fault.rule][item]["file"]
    alone = {"licence": 6, "same_file_across_splits": 2}.get(fault.rule, 1)
    assert len(found[fault.rule]) == alone
    message = next(line for line in capsys.readouterr().err.splitlines() if line.startswith(f"error: {item} ("))
    assert file in message
    assert f": {fault.rule}: " in message
    (docs,) = (paths.DATA_DOCS / "validations").rglob("*.html")
    report.main("anaglyph")
    for page in (docs, paths.report("anaglyph")):
        text = page.read_text(encoding="utf-8")
        assert all(words in text for words in (item, file, fault.rule)), page


def test_the_right_eye_and_subtler_faults_are_caught_too(folder: Path) -> None:
    """Each in a pair of its own, so that one run shows that no fault is blamed on a neighbour."""
    for name, seed in MORE.items():
        write_pair(folder, name, seed)
    change(folder / "grey" / "right.png", lambda view: view.convert("L"))
    _tag(folder / "turned" / "left.png", 3)
    change(folder / "flat" / "right.png", lambda view: Image.new("RGB", view.size, "red"))
    _anaglyph(folder, "mixed").save(folder / "mixed" / "right.png")
    change(folder / "coffee.png", lambda photo: photo.resize((80, 40)))
    with pytest.raises(UserError, match="5 of 10 rows"):
        run()
    assert {rule: [(i, one["file"]) for i, one in rows.items()] for rule, rows in findings().items()} == {
        "min_side": [("folder/coffee", "data/raw/folder/coffee.png")],
        "contrast": [("folder/flat", "data/raw/folder/flat/right.png")],
        "colour": [("folder/grey", "data/raw/folder/grey/right.png")],
        "no_anaglyph": [("folder/mixed", "data/raw/folder/mixed/right.png")],
        "same_orientation": [("folder/turned", "data/raw/folder/turned/left.png, data/raw/folder/turned/right.png")],
    }


def test_what_reading_mends_is_noted_and_passes(folder: Path) -> None:
    """Phones store the sensor's rows and say how to turn them; some programs add alpha that hides nothing."""
    for name, tag, turn in (("coffee", 6, Image.Transpose.ROTATE_90), ("rocket", 3, Image.Transpose.ROTATE_180)):
        change(folder / f"{name}.png", lambda photo, turn=turn: photo.transpose(turn))
        _tag(folder / f"{name}.png", tag)
    change(folder / "chelsea.png", lambda photo: _with_alpha(photo, Image.new("L", photo.size, 255)))
    run()
    notes = {"upright": ["folder/coffee", "folder/rocket"], "no_alpha": ["folder/chelsea"]}
    assert {rule: list(rows) for rule, rows in findings().items()} == notes
    assert sum(",160,128,RGB," in line for line in paths.MANIFEST.read_text().splitlines()) == len(PHOTOS)


@pytest.mark.parametrize("scene", ["hci4d_lightfield/dino", "middlebury_2006/Flowerpots", "steren_stereo_img/GX8"])
def test_real_pairs_are_not_called_swapped_and_swapped_ones_are(scene: str, data: Path) -> None:
    """Three of the hardest, two of them with disparities of both signs; `false_alarms.py` measures all 43."""
    files = scene_in(data / "train" / "stereo" / scene, scene)
    assert files is not None
    left, right = read_picture(files.left), read_picture(files.right)
    limit = Validate().min_eye_order
    assert order_score(left, right) > -limit
    assert order_score(right, left) < limit
