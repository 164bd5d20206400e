"""Stages `download` and `validate` end to end: what passes, and how each thing that does not is named."""

import csv
import json
import shutil
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines import paths
from pipelines.stages import download, validate
from pipelines.validation.splits import drawn_split
from restereo.errors import UserError


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    return tmp_path


def write_params(sources: dict[str, object], **limits: object) -> None:
    tasks = {"anaglyph": {"sources": list(sources)}}
    content = {"sources": sources, "tasks": tasks, "recipes": {}, "validate": {"min_side": 32, **limits}}
    Path("params.yaml").write_text(yaml.safe_dump(content))


def run(sources: dict[str, object] | None = None, **limits: object) -> dict[str, dict[str, str]]:
    """Returns the manifest's rows by name, after both stages."""
    sources = sources or {"folder": {"path": "pictures", "licence": "mine"}}
    write_params(sources, **limits)
    for source in sources:
        download.main(source)
    validate.main()
    return manifest()


def manifest() -> dict[str, dict[str, str]]:
    with paths.MANIFEST.open(newline="", encoding="utf-8") as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def broken() -> dict[str, dict[str, str]]:
    """Returns, by rule, the rows that break it."""
    content = json.loads(paths.VALIDATION.read_text())
    found = {name: rule["rows"] for name, rule in content["rules"].items() if rule["rows"]}
    return {name: {item: one["value"] for item, one in rows.items()} for name, rows in found.items()}


def picture(seed: int, side: int = 64) -> Image.Image:
    """Coarse random light in one tint: its perceptual hash is its own, and JPEG leaves it as it is."""
    light = np.random.default_rng(seed).integers(0, 256, (8, 8, 1))
    coarse = (light * [1.0, 0.8, 0.6]).astype(np.uint8)
    return Image.fromarray(coarse.repeat(side // 8, axis=0).repeat(side // 8, axis=1))


def save(name: str, content: Image.Image, **options: object) -> None:
    file = Path("pictures") / name
    file.parent.mkdir(parents=True, exist_ok=True)
    content.save(file, **options)


def save_others() -> dict[str, str]:
    """Saves a picture for each split; returns what assigns them."""
    for number in range(3):
        save(f"other{number}.png", picture(100 + number))
    return {"folder/other0": "train", "folder/other1": "validation", "folder/other2": "test"}


def test_builtin_passes_and_repeats(project: Path) -> None:
    rows = run({"builtin": {}})
    assert len(rows) == 7
    motorcycle = rows["motorcycle"]
    assert motorcycle["split"] == "test"
    assert motorcycle["benchmark"] == "True"
    assert 7 < float(motorcycle["disparity_min"]) < float(motorcycle["disparity_max"]) < 64
    assert abs(float(motorcycle["vertical_offset"])) < 0.5
    assert {name: row["split"] for name, row in rows.items()} == {
        "astronaut": "train",
        "chelsea": "test",
        "coffee": "validation",
        "hubble_deep_field": "train",
        "ihc": "train",
        "motorcycle": "test",
        "rocket": "test",
    }
    before = paths.MANIFEST.read_bytes(), paths.VALIDATION.read_bytes()
    assert run({"builtin": {}}) == rows
    assert (paths.MANIFEST.read_bytes(), paths.VALIDATION.read_bytes()) == before
    assert not list(paths.RAW.glob(".*"))
    docs = list(paths.DATA_DOCS.rglob("*.html"))
    assert len(docs) == 3
    for page in docs:
        assert 'src="http' not in page.read_text()
        assert "stylesheet" not in page.read_text()


def test_a_good_folder_passes(project: Path) -> None:
    for number in range(5):
        save(f"{number}.png", picture(number))
    both = Image.new("RGB", (128, 64))
    both.paste(picture(20), (0, 0))
    both.paste(picture(20), (64, 0))
    save("three_sbs.png", both)
    rows = run(assign=save_others() | {"folder/three_sbs": "test"})
    assert rows["three_sbs"]["split"] == "test"
    assert rows["three_sbs"]["kind"] == "pair"
    assert rows["three_sbs"]["path_right"].endswith("three_sbs/right.png")
    assert json.loads(paths.VALIDATION.read_text())["photos"] == {"train": 5, "validation": 2, "test": 1}


def test_five_photos_pass_with_the_line_that_the_error_names(project: Path) -> None:
    for name in "abcef":
        save(f"{name}.png", picture(ord(name)))
    asked = r"task 'anaglyph' has no picture for validation and test .*: {folder/a: validation, folder/b: test}"
    with pytest.raises(UserError, match=asked):
        run()
    rows = run(assign={"folder/a": "validation", "folder/b": "test"})
    assert [row["split"] for row in rows.values()] == ["validation", "test", "train", "train", "train"]


def test_a_bad_row_is_named_with_rule_and_fix_and_may_be_left_out(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save("good.png", picture(0))
    save("tiny.png", picture(1, side=16))
    with pytest.raises(UserError, match=r"manifest.csv: 1 of 2 rows break a rule .*folder/tiny"):
        run()
    tiny = "error: folder/tiny (data/raw/folder/tiny.png): min_side: no side is shorter than 32 px (here: 16)"
    assert f"{tiny}; leave it out with validate.exclude." in capsys.readouterr().err.splitlines()
    with pytest.raises(UserError, match=r"1 train\); add pictures of other scenes"):
        run(exclude=["folder/tiny"])
    assert list(manifest()) == ["good"]


def test_near_duplicates_across_splits_are_named_and_a_group_mends_it(project: Path) -> None:
    for number in range(30):
        save(f"{number:02}.png", picture(number))
    names = [*(f"{number:02}" for number in range(30)), *(f"twin{number}" for number in range(30))]
    splits = {name: drawn_split(0, "folder", name, 0.1, 0.1) for name in names}
    train = next(name for name in names[:30] if splits[name] == "train")
    twin = next(name for name in names[30:] if splits[name] == "test")
    save(f"{twin}.jpg", picture(int(train)).resize((96, 96)), quality=70)
    with pytest.raises(UserError, match="2 of 31 rows"):
        run()
    assert broken() == {
        "near_duplicate_across_splits": {
            f"folder/{train}": f"folder/{twin} (test)",
            f"folder/{twin}": f"folder/{train} (train)",
        }
    }
    groups = [[f"{train}.png", f"{twin}.jpg"]]
    mended = run({"folder": {"path": "pictures", "licence": "mine", "groups": groups}})
    assert mended[train]["split"] == mended[twin]["split"]


def test_the_same_file_twice_in_one_split_is_a_warning(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save("a.png", picture(0))
    shutil.copy("pictures/a.png", "pictures/b.png")
    sources = {"folder": {"path": "pictures", "licence": "mine", "groups": [["a.png", "b.png"]]}}
    run(sources, assign=save_others() | {"folder/a.png": "train"})
    there = "warning: folder/a (data/raw/folder/a.png): same_picture_twice: a picture that is there twice counts double"
    assert f"{there} (here: folder/b (train))" in capsys.readouterr().err


def test_a_renamed_copy_of_a_benchmark_scene_is_test(project: Path, data: Path) -> None:
    for number in range(20):
        save(f"{number}.png", picture(number))
    scene = data / "bench" / "stereo" / "middlebury_2003" / "teddy"
    Image.open(scene / "left.png").resize((300, 250)).save("pictures/my_L.jpg", quality=80)
    Image.open(scene / "right.png").resize((300, 250)).save("pictures/my_R.jpg", quality=80)
    Image.open(scene / "right.png").save("pictures/toy.jpg", quality=60)
    rows = run()
    assert {n for n, r in rows.items() if r["benchmark"] == "True"} == {"my", "toy"}
    assert rows["my"]["split"] == rows["toy"]["split"] == "test"


def test_a_picture_called_like_a_benchmark_scene_is_drawn_like_any_other(project: Path) -> None:
    save("teddy.png", picture(0))
    for name in ("piano_L.png", "piano_R.png"):
        save(name, picture(1))
    rows = run(assign=save_others())
    assert {rows[name]["split"] for name in ("teddy", "piano")} == {"train"}
    assert {row["benchmark"] for row in rows.values()} == {"False"}


def test_a_benchmark_scene_in_a_group_outside_test_fails(project: Path, data: Path) -> None:
    scene = data / "bench" / "stereo" / "middlebury_2003" / "teddy"
    save("toys/1.png", picture(0))
    shutil.copy(scene / "left.png", "pictures/toys/2.png")
    sources = {"folder": {"path": "pictures", "licence": "mine", "groups": ["toys/*"]}}
    others = save_others()
    with pytest.raises(UserError, match="benchmark_is_test"):
        run(sources, assign=others | {"folder/toys/*": "train"})
    assert broken() == {"benchmark_is_test": {"folder/toys_2": "train"}}
    rows = run(sources, assign=others | {"folder/toys/*": "test"})
    assert rows["toys_1"]["split"] == rows["toys_2"]["split"] == "test"


@pytest.mark.parametrize(("offset", "word", "rule"), [(4, "warning", "vertical_offset"), (8, "error", "same_rows")])
def test_a_vertical_offset_warns_and_a_large_one_fails(
    project: Path, capsys: pytest.CaptureFixture[str], offset: int, word: str, rule: str
) -> None:
    write_params({"builtin": {}})
    download.main("builtin")
    raw = paths.raw("builtin")
    left = Image.open(raw / "motorcycle_left.png")
    save("pair/left.png", left.crop((0, 0, 741, 490)))
    save("pair/right.png", Image.open(raw / "motorcycle_right.png").crop((0, offset, 741, 490 + offset)))
    assign = save_others()
    with nullcontext() if word == "warning" else pytest.raises(UserError, match=r"folder/pair, .*, same_rows"):
        run(assign=assign)
    assert abs(float(manifest()["pair"]["vertical_offset"])) == pytest.approx(offset, abs=0.7)
    assert list(broken()) == [rule]
    assert f"{word}: folder/pair (" in capsys.readouterr().err


def test_without_pictures_or_index(project: Path) -> None:
    write_params({"builtin": {}})
    with pytest.raises(UserError, match=r"index.json: no such file; run the stage 'download@builtin' first"):
        validate.main()
    with pytest.raises(UserError, match=r"unknown source 'buitlin': did you mean 'builtin'"):
        download.main("buitlin")


def test_a_killed_download_leaves_what_was_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_params({"builtin": {}})
    download.main("builtin")
    before = sorted(paths.RAW.rglob("*"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("restereo.datasets.builtin._copy", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download.main("builtin")
    assert sorted(paths.RAW.rglob("*")) == before
