"""Stages `download` and `validate` end to end: what passes, and how each thing that does not is named."""

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from pipelines import download, paths, validate
from pipelines.checks.splits import Group, assign
from restereo.errors import UserError

# Great Expectations imports them.


Run = Callable[..., list[dict[str, str]]]


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


def test_builtin_passes_and_repeats(project: Path) -> None:
    rows = run({"builtin": {}})
    assert len(rows) == 7
    motorcycle = rows["motorcycle"]
    assert motorcycle["split"] == "test"
    assert motorcycle["benchmark"] == "True"
    assert 7 < float(motorcycle["disparity_min"]) < float(motorcycle["disparity_max"]) < 64
    assert abs(float(motorcycle["vertical_offset"])) < 0.5
    assert sum(r["split"] == "test" and r["kind"] == "photo" for r in rows.values()) >= 2
    assert {"train", "validation"} < {r["split"] for r in rows.values()}
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
    for number in range(8):
        save(f"{number}.png", picture(number))
    both = Image.new("RGB", (128, 64))
    both.paste(picture(20), (0, 0))
    both.paste(picture(20), (64, 0))
    save("three_sbs.png", both)
    rows = run()
    assert rows["three_sbs"]["kind"] == "pair"
    assert rows["three_sbs"]["path_right"].endswith("three_sbs/right.png")
    assert json.loads(paths.VALIDATION.read_text())["photos"] == {"train": 5, "validation": 1, "test": 2}


def test_every_bad_row_is_named_with_rule_and_fix(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save("good.png", picture(0))
    save("tiny.png", picture(1, side=16))
    save("flat.png", Image.new("RGB", (64, 64), (200, 100, 50)))
    save("grey.png", picture(2).convert("L"))
    save("cut.png", picture(3, side=512))
    cut = Path("pictures/cut.png")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    save("sizes/left.png", picture(4))
    save("sizes/right.png", picture(4, side=72))
    with pytest.raises(UserError, match=r"manifest.csv: 5 of 6 rows break a rule .*folder/cut"):
        run()
    assert {rule: list(rows) for rule, rows in broken().items()} == {
        "readable": ["folder/cut"],
        "min_side": ["folder/tiny"],
        "colour": ["folder/grey"],
        "contrast": ["folder/flat"],
        "same_size": ["folder/sizes"],
    }
    lines = capsys.readouterr().err.splitlines()
    start = (
        "error: folder/cut (data/raw/folder/cut.png): readable: every file is there and can be read (here: data/raw/"
    )
    assert any(line.startswith(start) for line in lines)
    tiny = "error: folder/tiny (data/raw/folder/tiny.png): min_side: no side is shorter than 32 px (here: 16)"
    assert f"{tiny}; leave it out with validate.exclude." in lines
    bad = [f"folder/{name}" for name in ("tiny", "flat", "grey", "cut", "sizes")]
    assert list(run(exclude=bad)) == ["good"]


def test_a_missing_licence_fails(project: Path) -> None:
    save("a.png", picture(0))
    with pytest.raises(UserError, match="1 of 1 rows"):
        run({"folder": {"path": "pictures"}})
    assert list(broken()) == ["licence"]


def test_near_duplicates_across_splits_are_named_and_a_group_mends_it(project: Path) -> None:
    for number in range(30):
        save(f"{number:02}.png", picture(number))
    names = [*(f"{number:02}" for number in range(30)), *(f"twin{number}" for number in range(30))]
    splits = assign([Group(name, ("folder", "photo"), False) for name in names], 0, 0.1, 0.1)
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
    run({"folder": {"path": "pictures", "licence": "mine", "groups": ["*"]}})
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
    with nullcontext() if word == "warning" else pytest.raises(UserError, match=r"folder/pair, .*, same_rows"):
        run()
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


def test_splits_stay_when_groups_come() -> None:
    few = [Group(f"g{n}", ("s", "photo"), False) for n in range(200)]
    many = [*few, *(Group(f"h{n}", ("s", "photo"), False) for n in range(300))]
    first, second = (assign(groups, 0, 0.1, 0.2) for groups in (few, many))
    assert {name: second[name] for name in first} == first
    counts = [list(second.values()).count(split) for split in ("train", "validation", "test")]
    assert counts == pytest.approx([350, 50, 100], abs=25)
    assert assign(few, 1, 0.1, 0.2) != first


@pytest.mark.parametrize("count", range(1, 9))
def test_small_pools_have_every_split_that_has_a_share(count: int) -> None:
    for seed in range(20):
        groups = [Group(str(n), ("s", "photo"), False) for n in range(count)]
        held = list(assign([*groups, Group("b", ("s", "pair"), True)], seed, 0.1, 0.1).values())
        assert held.count("train") >= (1 if count >= 3 else 0)
        assert held.count("validation") >= (1 if count >= 3 else 0)
        assert held.count("test") - 1 >= (2 if count >= 6 else 1 if count >= 3 else 0)
        assert "validation" not in assign(groups, seed, 0, 0.5).values()
