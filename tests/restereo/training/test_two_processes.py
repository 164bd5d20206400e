"""Two processes that share a batch do what one does: the same losses and the same weights, to rounding."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from restereo.training import run_folder
from tests.conftest import ROOT
from tests.restereo.training.test_loop import params

TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]


def train(scenes: Path, folder: Path, name: str, launcher: list[str]) -> tuple[list[float], dict[str, torch.Tensor]]:
    out = folder / name
    command = [sys.executable, *launcher, "-m", "restereo.cli", "train", "tiny", "--data", scenes, "--out", out]
    command += ["--params", folder / "params.yaml"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(" steps in ") == 1, "one process speaks"
    with (out / "history.csv").open() as stream:
        losses = [float(row["loss"]) for row in csv.DictReader(stream) if row["split"] == "train"]
    return losses, load_file(out / run_folder.WEIGHTS)


def test_two_processes_learn_what_one_learns(scenes, tmp_path):
    """Two players, whose losses hold the one player's too."""
    text = params(objective="adversarial", batch=4, steps=6, validate_every=2).model_dump_json(by_alias=True)
    (tmp_path / "params.yaml").write_text(text)
    one_losses, one = train(scenes, tmp_path, "one", [])
    two_losses, two = train(scenes, tmp_path, "two", TORCHRUN)
    assert len(one_losses) == 3
    assert two_losses == pytest.approx(one_losses, abs=1e-4)
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, atol=1e-3, rtol=0)
