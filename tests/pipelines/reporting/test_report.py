"""Stage `report` on a small made-up data folder that is laid out as the other stages lay theirs out."""

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines import paths
from pipelines.reporting import report
from pipelines.reporting.pictures import embed
from restereo.errors import UserError

UNET, GAN = "anaglyph_unet", "anaglyph_gan"
SCENES = ("motorcycle", "scene<&>01", "scene-02")
METRICS = ("missing_psnr", "missing_psnr_visible", "missing_psnr_occluded", "psnr", "ssim_left", "ciede2000", "epe")
LEVELS = {"identity": 14.0, "grey": 18.0, "sgbm": 22.0}
PARAMS = f"""
sources: {{builtin: {{}}}}
tasks:
  anaglyph: {{sources: [builtin]}}
  empty: {{kind: anaglyph, sources: [builtin]}}
recipes:
  {UNET}: {{task: anaglyph, model: unet, objective: pixel}}
  {GAN}: {{task: anaglyph, model: unet, objective: pixel}}
  waiting: {{task: empty, model: unet, objective: pixel}}
"""


def figures(level: float, what: str) -> dict[str, float | None]:
    epe = 3.25 if what == "sgbm" else None
    values = (level, level + 2, level - 4, level + 5, level / 30, 25 - level, epe)
    return dict(zip(METRICS, values, strict=True))


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8))


def write_recipe(recipe: str, level: float) -> None:
    levels = {recipe: level, **LEVELS}
    variants = {
        name: {what: figures(value - drop, what) for what, value in levels.items()}
        for name, drop in (("clean", 0.0), ("jpeg85", 0.5))
    }
    summary = {"headline": "missing_psnr", "scenes": len(SCENES), "variants": variants}
    write(paths.metrics("anaglyph", recipe), summary)
    with paths.scenes("anaglyph", recipe).open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, ("what", "variant", "scene", *METRICS))
        table.writeheader()
        for variant, whats in variants.items():
            for what, means in whats.items():
                for scene, shift in zip(SCENES, (-1, 0, 1), strict=True):
                    row = {k: None if v is None else v + shift for k, v in means.items()}
                    table.writerow({"what": what, "variant": variant, "scene": scene, **row})
    listing = []
    folder = paths.pictures("anaglyph", recipe)
    folder.mkdir(parents=True)
    for role, scene in zip(("worst", "median", "best"), SCENES, strict=True):
        views = ("observed", "prediction_left", "prediction_right", "truth_left", "truth_right")
        files = {view: f"{role}-{view}.png" for view in views}
        for seed, file in enumerate(files.values()):
            picture(seed).save(folder / file)
        listing.append({"scene": scene, "variant": "clean", "missing_psnr": level, "role": role, "files": files})
    write(folder / "pictures.json", listing)
    run = paths.run(recipe)
    licences = ["CC0-1.0", "CC BY-NC 4.0"]
    config = {"recipe": recipe, "seed": 7, "train": {"steps": 600}, "data_sha256": "ab" * 32, "licences": licences}
    write(run / "config.json", config)
    write(run / "environment.json", {"python": "3.11", "device": "cpu", "threads": 2, "packages": {"torch": "2.13.0"}})
    write(run / "metrics.json", {"best_step": 200, "last_step": 300, "parameters": 482307})
    rows = "".join(f"{s},validation,{1 / s:.4f},0.001,{level - 100 / s:.2f}\n" for s in (100, 200, 300))
    (run / "history.csv").write_text(f"step,split,loss,learning_rate,headline\n{rows}", encoding="utf-8")
    (run / "weights.safetensors").write_bytes(b"weights of " + recipe.encode())
    train = {"seconds": 214.3, "samples_per_second": 24.1, "host": "box", "device": "cpu", "git_rev": "feed" * 10}
    speeds = {"seconds_per_megapixel": {recipe: 1.2, "grey": 0.01}}
    write(paths.cost(recipe), {"train": {**train, "started": "2026-11-20T16:20:11+00:00"}, "evaluate": speeds})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS, encoding="utf-8")
    write_recipe(UNET, 21.0)
    write_recipe(GAN, 20.0)
    rows = {"a/b": {"value": "4", "file": "a/b.png"}}
    rule = {"rule": "the eyes are level", "severity": "warning", "success": False, "failing": 1, "rows": rows}
    write(paths.VALIDATION, {"success": True, "rows": 8, "excluded": 0, "rules": {"vertical_offset": rule}})
    splits = {"test": [{"name": "m", "origin": "pair", "source": "builtin"}]}
    write(paths.pairs("anaglyph") / "index.json", {"licences": ["CC BY-NC 4.0"], "splits": splits})
    return tmp_path


class Page(HTMLParser):
    """Every address, every table cell by row, and every tag of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.rows: list[list[str]] = []
        self.open = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "data", "action")]
        self.ids += [v or "" for k, v in attrs if k == "id"]
        if tag == "img":
            self.images.append(found)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1][-1] += data


def made() -> str:
    report.main("anaglyph")
    return paths.report("anaglyph").read_text(encoding="utf-8")


def test_no_address_leads_out_of_the_page(project: Path) -> None:
    text = made()
    page = Page(text)
    assert page.addresses
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert all(url.startswith(("data:", "#")) for url in re.findall(r"url\(\s*['\"]?([^)'\"]*)", text))
    assert {address[1:] for address in page.addresses if address.startswith("#")} <= set(page.ids)
    assert not re.search(r"https?://|@import|<link|<base|<iframe", text)
    assert len(page.ids) == len(set(page.ids))


def test_the_table_shows_the_figures_of_the_json(project: Path) -> None:
    page = Page(made())
    rows = [[cell.replace(" (best)", "").strip() for cell in row] for row in page.rows]
    for what, level in {UNET: 21.0, GAN: 20.0, **LEVELS}.items():
        clean, jpeg = [row[1:] for row in rows if row[0] == what and len(row) == len(METRICS) + 1]
        for found, value in ((clean, level), (jpeg, level - 0.5)):
            epe = "3.25" if what == "sgbm" else "–"
            ssim, colour = f"{value / 30:.3f}", f"{25 - value:.1f}"
            decibels = [f"{value + more:.1f}" for more in (0, 2, -4, 5)]
            assert found == [*decibels, ssim, colour, epe]


def test_the_best_of_each_column_is_marked(project: Path) -> None:
    page = Page(made())
    marked = [row[0] for row in page.rows for cell in row[1:] if "(best)" in cell]
    assert marked == ["sgbm"] * 2 * len(METRICS)


def test_names_are_escaped(project: Path) -> None:
    text = made()
    assert "scene&lt;&amp;&gt;01" in text
    assert "scene<&>01" not in text


def test_same_inputs_give_the_same_bytes(project: Path) -> None:
    first = made()
    paths.report("anaglyph").unlink()
    assert made() == first
    assert len(first) < 15e6


def test_every_picture_has_words_and_a_size(project: Path) -> None:
    images = Page(made()).images
    assert len(images) == 2 * 3 * 5
    assert all(image["alt"] and image["width"] and image["height"] for image in images)


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        (lambda: paths.cost(UNET), "not recorded"),
        (lambda: paths.run(UNET) / "history.csv", f"No training history was found for {UNET}"),
        (lambda: paths.pictures("anaglyph", UNET), f"No example pictures were found for {UNET}"),
        (lambda: paths.pictures("anaglyph", UNET) / "best-truth_left.png", "could not be read and is left out"),
        (lambda: paths.run(UNET), "Settings were not recorded"),
        (lambda: paths.scenes("anaglyph", UNET), "21.0"),
        (lambda: paths.VALIDATION, "No result of the data checks was found"),
        (lambda: paths.pairs("anaglyph"), "scenes was not found"),
    ],
)
def test_a_missing_piece_is_named(project: Path, gone: Any, words: str) -> None:
    place = gone()
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert words in made()


def test_lineage_licences_and_cost_are_shown(project: Path) -> None:
    text = made()
    for words in ("feed" * 10, "ab" * 32, "482,307", "3 min 34 s", "2026-11-20 16:20 UTC", "2.13.0"):
        assert words in text
    strictest = text[text.index('class="strictest"') :]
    assert strictest.index("CC BY-NC 4.0") < strictest.index("CC0-1.0")
    assert text.count('class="strictest"') == 1


def test_figures_of_other_weights_are_doubted(project: Path) -> None:
    file = paths.metrics("anaglyph", UNET)
    write(file, {**json.loads(file.read_text(encoding="utf-8")), "weights_sha256": "00"})
    assert "evaluate it again" in made()


def test_a_shuffled_pair_is_named(project: Path) -> None:
    file = paths.scenes("anaglyph", UNET)
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        shuffled = row["scene"] == "scene-02" and row["variant"] == "clean"
        row |= {"match_share": "0.27" if shuffled else "0.91", "unrelated": "1.0" if shuffled else "0.0"}
    with file.open("w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, rows[0])
        table.writeheader()
        table.writerows(rows)
    text = made()
    doubt = "Clean input: in 1 of 3 scenes so little is matched that the eyes seem to show different scenes: "
    assert f"{doubt}scene-02 (27%)." in text
    assert text.count("seem to show different scenes:") == 1


def test_without_figures_the_error_names_what_is_missing(project: Path) -> None:
    with pytest.raises(UserError, match=r"no recipe of task 'empty' has been evaluated.*waiting.json"):
        report.main("empty")
    with pytest.raises(UserError, match=r"unknown task 'anaglif'.*did you mean 'anaglyph'"):
        report.main("anaglif")


@pytest.mark.parametrize("text", ["{", "[]", '{"headline": "psnr"}'])
def test_a_broken_file_is_named(project: Path, text: str) -> None:
    paths.metrics("anaglyph", UNET).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=f"{UNET}.json: it must"):
        report.main("anaglyph")


def test_too_many_pictures_become_small_jpegs(tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.png" for seed in range(4)]
    for seed, file in enumerate(files):
        picture(seed).resize((128, 96)).save(file)
    exact = embed(files, 256)
    small = embed(files, 256, budget=30_000)
    assert {p.address[:15] for p in exact.values()} == {"data:image/png;"}
    assert {p.address[:16] for p in small.values()} == {"data:image/jpeg;"}
    assert sum(len(p.address) for p in small.values()) < 30_000 * 4 / 3 + 200
    assert all(p.height < 96 for p in small.values())
    assert {p.height for p in embed(files, 48).values()} == {48}
