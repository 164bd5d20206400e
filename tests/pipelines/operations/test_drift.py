"""Drift is reported when there is some, and not when there is none; the log holds figures and nothing else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pipelines import paths
from pipelines.operations import drift
from restereo.errors import UserError
from restereo.inference import statistics
from restereo.margins import Drift

SETTINGS = Drift()
RNG = np.random.default_rng
MODEL = "a" * 64


def test_the_same_population_hardly_ever_drifts() -> None:
    """Five figures over 200 logs of the least length: 1 % of the logs may, by chance."""
    alarms = 0
    for seed in range(200):
        rng = RNG(seed)
        found = [
            drift.shift("brightness", rng.normal(100, 30, 40), rng.normal(100, 30, 50), SETTINGS, tests=5)
            for _ in range(5)
        ]
        alarms += any(one.drifted for one in found)
    assert alarms <= 4


def test_small_samples_of_one_population_are_unstable_without_the_test_of_chance() -> None:
    """Why the index alone is not asked: of 50 against 40 values it is beyond its usual limit most of the time."""
    samples = [(RNG(n).normal(0, 1, 40), RNG(n + 1000).normal(0, 1, 50)) for n in range(100)]
    assert np.mean([drift.stability(*drift.counts(*both)) > SETTINGS.psi for both in samples]) > 0.3


@pytest.mark.parametrize("shifted", [(60, 30), (100, 90)])
def test_another_population_drifts(shifted: tuple[int, int]) -> None:
    one = drift.shift("brightness", RNG(0).normal(100, 30, 300), RNG(1).normal(*shifted, 150), SETTINGS, tests=8)
    assert one.drifted and one.psi is not None and one.psi > 0.25


def test_names_are_compared_by_their_shares() -> None:
    before, same, other = ["red-cyan"] * 80 + ["grey"] * 20, ["red-cyan"] * 42 + ["grey"] * 8, ["amber-blue"] * 50
    assert drift.shift("type", before, same, SETTINGS).drifted is False
    assert drift.shift("type", before, other, SETTINGS).drifted is True
    assert drift.shift("type", ["red-cyan"] * 80, ["red-cyan"] * 60, SETTINGS).drifted is False


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of 60 training photos, and the evaluation of the weights that the log names."""
    monkeypatch.chdir(tmp_path)
    recipe = {"task": "anaglyph", "model": "unet", "objective": "pixel"}
    params = {"sources": {"builtin": {}}, "tasks": {"anaglyph": {"sources": ["builtin"]}}, "recipes": {"mine": recipe}}
    Path("params.yaml").write_text(yaml.safe_dump(params))
    paths.MANIFEST.parent.mkdir(parents=True)
    rows = [f"builtin,train,600,400,{100 + n - 30},{50 + n / 10}" for n in range(60)]
    rows += ["builtin,test,9000,9000,1,1", "other,train,9000,9000,1,1"] * 60
    paths.MANIFEST.write_text("\n".join(["source,split,width,height,mean,std", *rows]) + "\n")
    file = paths.metrics("anaglyph", "mine")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"weights_sha256": MODEL}))
    scenes = [f"{what},clean,s{n},{0.01 + n / 1e4},,0.5" for what in ("mine", "grey") for n in range(25)]
    paths.scenes("anaglyph", "mine").write_text(
        "\n".join(["what,variant,scene,residual,match_share,match_correlation", *scenes])
    )
    return tmp_path


def log(count: int, name: str = "log.jsonl", **changed: Any) -> Path:
    rng, file = RNG(3), Path(name)
    for _ in range(count):
        line = {
            "model": MODEL,
            "type": "red-cyan-color",
            "jpeg": False,
            "megapixels": 0.24,
            "brightness": float(rng.uniform(70, 129)),
            "contrast": float(rng.uniform(50, 56)),
            "residual": float(rng.uniform(0.01, 0.0125)),
            "match_share": None,
        }
        statistics.note(file, line | {k: v(rng) if callable(v) else v for k, v in changed.items()})
    return file


def test_like_the_training_is_no_drift(project: Path) -> None:
    report = drift.check(log(80))
    assert report.drifted == []
    assert {one.figure: one.expected for one in report.shifts} == {
        "megapixels": 60,
        "brightness": 60,
        "contrast": 60,
        "residual": 25,
    }
    assert report.description == "log.jsonl: no drift in 4 figures over 80 pictures."


def test_dark_film_grabs_are_drift(project: Path) -> None:
    report = drift.check(log(80, megapixels=2.0, brightness=lambda rng: float(rng.uniform(10, 60))))
    assert report.drifted == ["megapixels", "brightness"]
    assert "megapixels, brightness drifted over 80 pictures" in report.description
    assert "| brightness | 60 | 80 |" in drift.markdown(report)


def test_what_the_network_contradicts_more_than_on_its_test_pictures_is_drift(project: Path) -> None:
    assert drift.check(log(80, residual=lambda rng: float(rng.uniform(0.02, 0.06)))).drifted == ["residual"]


def test_other_weights_have_no_residual_to_compare_with(project: Path) -> None:
    report = drift.check(log(80, model="b" * 64, residual=9.0))
    assert "residual" not in [one.figure for one in report.shifts]


def test_an_earlier_log_also_knows_types(project: Path) -> None:
    before, now = log(80, "before.jsonl"), log(80, "now.jsonl", type="green-magenta-half", jpeg=True)
    assert drift.check(now, earlier=before).drifted == ["type", "jpeg"]
    assert "type" not in drift.check(now).drifted  # the training has no share that is right


def test_few_pictures_are_no_drift_however_strange(project: Path) -> None:
    report = drift.check(log(49, brightness=0.0))
    assert (report.drifted, report.description) == ([], "log.jsonl: 49 pictures are too few to tell drift.")


@pytest.mark.parametrize("line", ["{", "[]", "{}", "3"])
def test_a_broken_line_is_named(project: Path, line: str) -> None:
    file = log(2)
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(UserError, match=r"log\.jsonl: line 3 is no line of statistics; remove it"):
        drift.check(file)


def test_missing_files_are_named(project: Path) -> None:
    with pytest.raises(UserError, match="nowhere: no such file; set RESTEREO_STATISTICS"):
        drift.check(Path("nowhere"))
    paths.MANIFEST.unlink()
    with pytest.raises(UserError, match=r"manifest\.csv: no such file; run `dvc --wait-for-lock repro validate`"):
        drift.check(log(3))
