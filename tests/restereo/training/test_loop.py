import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from restereo import catalog
from restereo.config import Params, parse_params
from restereo.errors import UserError
from restereo.training import run_folder
from restereo.training.loop import DivergedError, Loop
from restereo.training.trainer import train_recipe
from tests.conftest import ROOT

TINY = {"steps": 6, "batch": 2, "crop": 32, "validate_every": 3, "checkpoint_every": 2, "warmup_steps": 2, "threads": 1}


OPTIONS = {"pixel": {}, "adversarial": {"width": 4}}
OBJECTIVES = catalog.names("objective")


def params(objective: str = "pixel", **changes) -> Params:
    recipe = {"task": "anaglyph", "model": "unet", "objective": objective, "model_options": {"size": "tiny"}}
    recipe["objective_options"] = OPTIONS[objective]
    return parse_params(
        {
            "sources": {"builtin": {}},
            "tasks": {"anaglyph": {"sources": ["builtin"]}},
            "recipes": {"tiny": recipe},
            "train": {**TINY, **changes},
        }
    )


def sha256(folder: Path) -> str:
    return hashlib.sha256((folder / run_folder.WEIGHTS).read_bytes()).hexdigest()


def trained(scenes: Path, folder: Path, **changes) -> Path:
    train_recipe(params(**changes), "tiny", scenes, folder / "run", folder / "live", quiet=True)
    return folder / "run"


def test_a_run_folder_holds_plain_files_and_no_clock(scenes, tmp_path):
    run = trained(scenes, tmp_path)
    assert sorted(file.name for file in run.iterdir()) == [
        "calibration.json",
        "config.json",
        "environment.json",
        "history.csv",
        "metrics.json",
        "weights.safetensors",
    ]
    history = (run / "history.csv").read_text().splitlines()
    assert history[0] == "step,split,loss,learning_rate,headline"
    assert [line.split(",")[0] for line in history[1:]] == ["3", "3", "6", "6"]
    assert json.loads((run / "config.json").read_text())["licences"] == ["CC0"]
    assert not (tmp_path / "live").exists()


def test_two_runs_have_the_same_bytes(scenes, tmp_path):
    first, second = trained(scenes, tmp_path / "a"), trained(scenes, tmp_path / "b")
    for file in first.iterdir():
        assert file.read_bytes() == (second / file.name).read_bytes(), file.name


def test_without_weight_the_critic_changes_nothing(scenes, tmp_path, monkeypatch):
    """The adversarial term's effect is against the same network: with weight 0 the bytes are those of pixel."""
    monkeypatch.setitem(OPTIONS, "adversarial", {"width": 4, "weight": 0.0})
    plain, critic = trained(scenes, tmp_path / "a"), trained(scenes, tmp_path / "b", objective="adversarial")
    assert sha256(plain) == sha256(critic)


def test_the_critic_moves_the_generator(scenes, tmp_path):
    plain, critic = trained(scenes, tmp_path / "a"), trained(scenes, tmp_path / "b", objective="adversarial")
    assert sha256(plain) != sha256(critic)


def test_workers_change_nothing(scenes, tmp_path):
    one, other = trained(scenes, tmp_path / "a"), trained(scenes, tmp_path / "b", workers=2)
    assert (one / "metrics.json").read_bytes() == (other / "metrics.json").read_bytes()
    assert sha256(one) == sha256(other)


def test_the_metrics_name_the_weights_averaged_and_raw(scenes, tmp_path):
    metrics = json.loads((trained(scenes, tmp_path, objective="adversarial") / "metrics.json").read_text())
    assert metrics["averaged_sha256"] == sha256(tmp_path / "run")
    assert sorted(metrics["raw_sha256"]) == ["discriminator", "generator"]
    assert len({metrics["averaged_sha256"], *metrics["raw_sha256"].values()}) == 3


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_training_that_broke_off_ends_in_the_same_weights(scenes, tmp_path, monkeypatch, step, objective):
    whole = trained(scenes, tmp_path / "a", objective=objective)
    real = Loop.step

    def breaks(self, sample):
        if self.outcome.step == step:
            raise KeyboardInterrupt
        return real(self, sample)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Loop, "step", breaks)
        trained(scenes, tmp_path / "b", objective=objective)
    assert not (tmp_path / "b" / "run").exists()
    resumed = trained(scenes, tmp_path / "b", objective=objective)
    for file in whole.iterdir():  # the metrics hold the digests of the raw weights
        assert file.read_bytes() == (resumed / file.name).read_bytes(), file.name


def test_a_loss_that_is_not_a_number_stops_before_it_reaches_the_weights(scenes, tmp_path, monkeypatch):
    from restereo.training.objectives.pixel import Pixel

    def broken(self, players, lifted, sample):
        yield "generator", players["generator"](lifted).image.mean() * torch.nan

    monkeypatch.setattr(Pixel, "losses", broken)
    with pytest.raises(DivergedError, match=r"loss of 'generator' is nan at step 0; lower train\.learning_rate"):
        trained(scenes, tmp_path)


def test_an_early_stop_keeps_the_best_weights(scenes, tmp_path, monkeypatch):
    headlines = iter([3.0, 9.0, 5.0, 4.0, 8.0, 8.0, 8.0])
    monkeypatch.setattr("restereo.training.loop.validate", lambda *_: next(headlines))
    run = trained(scenes, tmp_path, steps=12, validate_every=1, patience=3)
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["best_step"], metrics["last_step"]) == (2, 5)


def test_the_last_weights_are_kept_where_the_headline_does_not_show_what_is_wanted(scenes, tmp_path, monkeypatch):
    headlines = iter([3.0, 9.0, 5.0, 4.0])
    monkeypatch.setattr("restereo.training.loop.validate", lambda *_: next(headlines))
    run = trained(scenes, tmp_path, steps=4, validate_every=1, patience=1, keep="last")
    metrics = json.loads((run / "metrics.json").read_text())
    assert (metrics["best_step"], metrics["last_step"]) == (4, 4)


def test_training_lowers_the_loss(scenes, tmp_path):
    run = trained(scenes, tmp_path, steps=40, validate_every=20, learning_rate=0.005, ema_decay=0.8)
    rows = [line.split(",") for line in (run / "history.csv").read_text().splitlines()[1:]]
    losses = [float(row[2]) for row in rows if row[1] == "train"]
    headlines = [float(row[4]) for row in rows if row[1] == "validation"]
    assert losses[-1] < losses[0]
    assert headlines[-1] > headlines[0]


def test_a_training_can_go_on_from_weights_that_are_pinned(scenes, tmp_path):
    first = trained(scenes, tmp_path)
    start = {"file": str(first / run_folder.WEIGHTS), "sha256": sha256(first)}
    second = trained(scenes, tmp_path / "on", start=start, learning_rate=1e-12)
    for name, weight in run_folder.read(first).weights.items():
        torch.testing.assert_close(run_folder.read(second).weights[name], weight)
    assert json.loads((second / "config.json").read_text())["train"]["start"] == start | {"parts": None}

    with pytest.raises(UserError, match="but 0000"):
        trained(scenes, tmp_path, start=start | {"sha256": "0" * 64})
    with pytest.raises(UserError, match=r"weights of another network \(Error.*; name others in train.start"):
        other = params(start=start)
        other.recipes["tiny"].model_options["size"] = "small"
        train_recipe(other, "tiny", scenes, tmp_path / "other", tmp_path / "live", quiet=True)


def test_a_training_can_take_over_a_part_of_pinned_weights(scenes, tmp_path):
    first = trained(scenes, tmp_path)
    part = run_folder.read(first).weights
    module = next(iter(part)).split(".")[0]
    start = {"file": str(first / run_folder.WEIGHTS), "sha256": sha256(first), "parts": ["no_such_module"]}
    random = run_folder.read(trained(scenes, tmp_path / "none", start=start, learning_rate=1e-12)).weights
    assert any(not torch.equal(random[name], weight) for name, weight in part.items())
    taken = run_folder.read(
        trained(scenes, tmp_path / "some", start=start | {"parts": [module]}, learning_rate=1e-12)
    ).weights
    for name, weight in part.items():
        if name.startswith(f"{module}."):
            torch.testing.assert_close(taken[name], weight)


def test_an_unknown_recipe_is_refused(scenes, tmp_path):
    with pytest.raises(UserError, match="unknown recipe 'tinny': did you mean 'tiny'"):
        train_recipe(params(), "tinny", scenes, tmp_path / "run", tmp_path / "live", quiet=True)


def test_three_steps_without_the_pipelines_tools(scenes, tmp_path):
    """The library alone trains on a bare machine: the tools cannot even be imported there."""
    code = f"""
import sys
for tool in ("dvc", "prefect", "mlflow", "great_expectations"):
    sys.modules[tool] = None
sys.argv = ["restereo", "train", "tiny", "--data", {str(scenes)!r}, "--out", {str(tmp_path / "run")!r},
            "--params", {str(tmp_path / "params.yaml")!r}]
from restereo.cli import main
main()
"""
    (tmp_path / "params.yaml").write_text(params(steps=3).model_dump_json(by_alias=True))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / run_folder.WEIGHTS).exists()


@pytest.mark.parametrize("content", [b"\x80\x04K\x01.", b"PK\x03\x04rest"])
def test_a_pickle_in_place_of_weights_is_refused(tmp_path, content):
    (tmp_path / run_folder.WEIGHTS).write_bytes(content)
    with pytest.raises(UserError, match=r"weights\.safetensors: a pickle could run code when opened; save"):
        run_folder.read_weights(tmp_path / run_folder.WEIGHTS)


def test_damaged_weights_are_refused(tmp_path):
    (tmp_path / run_folder.WEIGHTS).write_bytes(b"\xff\x00\x00\x00\x00\x00\x00\x00{broken")
    with pytest.raises(UserError, match="not a readable safetensors file"):
        run_folder.read_weights(tmp_path / run_folder.WEIGHTS)
