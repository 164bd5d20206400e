"""A new task and a new model are one file each: a copy of the project gets them, and every stage serves them."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import yaml

from pipelines.environment import ENVIRONMENT
from tests.conftest import ROOT, smooth_picture

TASK = '''"""A picture without its blue."""

import numpy as np
import torch

from restereo.imaging import metrics
from restereo.sample import Observation, Operator
from restereo.tasks import Task


CHANNELS = (1, 3)


class NoBlue(Task):
    channels_in, channels_out = CHANNELS
    headline, baselines, shown = "psnr", ("grey_copy",), ("psnr",)

    def observe(self, truth, jpeg_quality=None):
        return Observation(truth[..., 1:2].copy(), "green")

    def accept(self, picture, method=None, jpeg_quality=None, name="the picture"):
        return self.observe(picture)

    def draw(self, scene, seed):
        return scene, self.observe(scene.truth)

    def operator(self, observation):
        return Operator(torch.tensor([[[0.0, 1.0, 0.0]]]), torch.tensor([False]), torch.ones(1, 1))

    def lift(self, observed, operator):
        return observed

    def measure(self, answer, prediction, scene, observation):
        return {"psnr": metrics.psnr(answer, scene.truth)}

    def headline_of(self, answer, scene, observation):
        return metrics.psnr(answer, scene.truth)


def build():
    return NoBlue()
'''
MODEL = '''"""One convolution."""

from typing import Literal

from torch import nn

from restereo.options import Section
from restereo.sample import Prediction


class Options(Section):
    size: Literal["tiny", "wide"] = "tiny"


class Toy(nn.Conv2d):
    def forward(self, x):
        return Prediction(x + super().forward(x))


def build(channels_in, channels_out, options):
    return Toy(channels_in, channels_out, 3, padding=1)
'''
PARAMS = {
    "sources": {"builtin": {}},
    "tasks": {"no_blue": {"sources": ["builtin"]}},
    "recipes": {"no_blue_toy": {"task": "no_blue", "kind": "no_blue", "model": "toy", "objective": "pixel"}},
    "train": {"steps": 4, "batch": 2, "crop": 32, "validate_every": 2, "threads": 1},
    "evaluate": {"pictures": 2},
}
STAGES = """
from pipelines import paths
from pipelines.reporting import report
from pipelines.stages import evaluate, synthesize, train
synthesize.main("no_blue"); train.main("no_blue_toy"); evaluate.main("no_blue_toy"); report.main("no_blue")
import restereo.tasks.no_blue
from restereo.image import Image
from restereo.inference.engine import load_run
import numpy as np
print(load_run(paths.run("no_blue_toy")).restore(Image(np.zeros((8, 9, 3), np.uint8))).pixels.shape)
"""


def test_a_task_and_a_model_are_one_file_each(tmp_path):
    for package in ("restereo", "pipelines"):
        ignored = shutil.ignore_patterns("__pycache__", "weights")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (tmp_path / "restereo" / "tasks" / "no_blue.py").write_text(TASK)
    (tmp_path / "restereo" / "models" / "toy.py").write_text(MODEL)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    manifest = tmp_path / "data" / "manifest" / "manifest.csv"
    manifest.parent.mkdir(parents=True)
    with manifest.open("w", newline="") as stream:
        names = ("source", "name", "group", "kind", "split", "benchmark", "path", "licence")
        rows = csv.DictWriter(stream, names)
        rows.writeheader()
        for seed, split in enumerate(("train", "validation", "test")):
            file = tmp_path / f"{split}.png"
            cv2.imwrite(str(file), smooth_picture(seed, 40, 48))
            rows.writerow(
                dict(zip(names, ("builtin", split, split, "photo", split, "False", file.name, "CC0-1.0"), strict=True))
            )
    environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", STAGES]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("(1, 8, 9, 3)\n")
    summary = json.loads((tmp_path / "data/evaluation/no_blue/no_blue_toy.json").read_text())
    assert set(summary["variants"]["clean"]) == {"no_blue_toy", "grey_copy"}
    assert "no_blue_toy" in (tmp_path / "data/report/no_blue.html").read_text(encoding="utf-8")


def test_the_copy_was_a_copy():
    assert not (Path(ROOT) / "restereo" / "tasks" / "no_blue.py").exists()
