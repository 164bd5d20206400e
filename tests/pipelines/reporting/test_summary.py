"""The table at the end of a run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines import paths, results
from pipelines.reporting import summary
from restereo.config import load_params
from restereo.errors import UserError

ROOT = Path(__file__).parents[3]


def result(recipe: str, psnr: float) -> dict[str, Any]:
    clean = {
        recipe: {"missing_psnr": psnr, "epe": 1.25, "ssim_left": 0.9},
        "identity": {"missing_psnr": 12.0, "epe": None, "ssim_left": 0.7},
        "grey": {"missing_psnr": 16.0, "epe": None, "ssim_left": 0.8},
    }
    jpeg = {what: {"missing_psnr": figures["missing_psnr"] - 1, "epe": None} for what, figures in clean.items()}
    return {"headline": "missing_psnr", "variants": {"clean": clean, "jpeg85": jpeg}}


def write(recipe: str, psnr: float, task: str = "anaglyph") -> None:
    file = paths.metrics(task, recipe)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result(recipe, psnr)))


def summarised(**levels: float) -> summary.Summary:
    for recipe, psnr in levels.items():
        write(recipe, psnr)
    found = [results.read("anaglyph", recipe) for recipe in levels]
    return summary.summarise("anaglyph", [result for result in found if result])


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write("anaglyph_unet", 21.44)
    return tmp_path


def test_recipes_and_baselines_are_ranked_once_each(evaluated: Path) -> None:
    found = summarised(a=20.0, b=22.0)
    assert list(found.rows) == ["b", "a", "grey", "identity"]
    assert found.columns == (
        ("missing_psnr", "clean"),
        ("missing_psnr", "jpeg85"),
        ("ssim_left", "clean"),
        ("epe", "clean"),
    )
    assert found.rows["b"] == ("22.0", "21.0", "0.900", "1.25")
    assert found.rows["grey"] == ("16.0", "15.0", "0.800", "–")


def test_a_narrow_terminal_keeps_the_headline_and_cuts_nothing_in_half(evaluated: Path) -> None:
    from rich.console import Console

    found = summarised(a_recipe_with_a_long_name=20.0)
    for width, shown in ((46, "20.0 19.0"), (54, "20.0 19.0 1.25"), (80, "20.0 19.0 0.900 1.25")):
        console = Console(width=width)
        with console.capture() as captured:
            console.print(summary.table(found, width))
        text = captured.get()
        row = next(line for line in text.splitlines() if "a_recipe_with_a_long_name" in line)
        assert row.split()[1:] == shown.split()
        assert "…" not in text


def test_it_is_printed_with_where_to_look_next(evaluated: Path) -> None:
    paths.report("anaglyph").parent.mkdir(parents=True, exist_ok=True)
    paths.report("anaglyph").touch()
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pipelines.cli", "summary"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "anaglyph_unet" in done.stdout and "21.4" in done.stdout and "20.4" in done.stdout
    assert "data/report/anaglyph.html" in done.stdout and "make ui" in done.stdout
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not imported & {"torch", "mlflow", "prefect", "great_expectations", "dvc"}


def test_no_report_is_named_that_is_not_there(evaluated: Path) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "summary", "anaglyph"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Report: not made yet; `dvc repro report@anaglyph`" in done.stdout and "anaglyph.html" not in done.stdout


def test_only_what_ran_is_shown(evaluated: Path) -> None:
    params = load_params()
    write("colorization_gan", 20.0, "colorization")  # figures that came with the code
    assert summary.read(params) == []
    paths.report("anaglyph").parent.mkdir(parents=True, exist_ok=True)
    paths.report("anaglyph").touch()
    assert [one.task for one in summary.read(params)] == ["anaglyph"]
    assert [one.task for one in summary.read(params, ["anaglyph*"])] == ["anaglyph"]
    assert [one.task for one in summary.read(params, ["colorization"])] == ["colorization"]


def test_a_recipe_brings_no_sibling(evaluated: Path) -> None:
    write("anaglyph_gan", 20.0)
    (found,) = summary.read(load_params(), ["anaglyph_u*"])
    assert list(found.rows) == ["anaglyph_unet", "grey", "identity"]


def test_make_run_shows_the_rows_that_it_ran() -> None:
    for recipes, shown in (("anaglyph*", " 'anaglyph*'"), ("colorization_gan", " 'colorization_gan'"), ("all", " ")):
        command = ["make", "--no-print-directory", "-n", "-o", ".venv/.installed", "run", f"RECIPES={recipes}"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.rstrip("\n").endswith(f"restereo-pipelines summary{shown}")


def test_what_is_missing_is_named(evaluated: Path) -> None:
    params = load_params()
    with pytest.raises(UserError, match=r"unknown task 'anaglif': did you mean 'anaglyph'"):
        summary.read(params, ["anaglif"])
    paths.metrics("anaglyph", "anaglyph_unet").unlink()
    assert summary.read(params) == []
    with pytest.raises(UserError, match="'anaglyph' has no result yet"):
        summary.read(params, ["anaglyph"])
