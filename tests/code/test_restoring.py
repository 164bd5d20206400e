"""The commands of the sibling tasks, with networks that were hardly trained."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from restereo import catalog
from restereo.cli import app
from restereo.imaging.color import luma
from restereo.sources._pictures import read_picture
from restereo.tasks import Task, build_model
from restereo.training import run_folder
from tests.conftest import smooth_picture


def run_of(folder: Path, kind: str, model: str, **options: object) -> Path:
    """A run folder as training leaves it, of a network with random weights."""
    task: Task = catalog.build("task", kind, **options)
    torch.manual_seed(0)
    network = build_model(task, model, {"size": "tiny"})
    row = {"task": kind, "model": model, "model_options": {"size": "tiny"}}
    config = {"task_kind": kind, "task_options": options, "row": row, "licences": ["CC0-1.0"]}
    run_folder.write(folder, config, {}, [], {}, task.default_calibration(), network.state_dict())
    return folder


@pytest.fixture
def picture(tmp_path) -> Path:
    cv2.imwrite(str(tmp_path / "old.png"), smooth_picture(3, 41, 50)[..., ::-1])
    return tmp_path / "old.png"


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_coloured_picture_has_the_size_and_the_grey_of_the_first(tmp_path, picture):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    assert "old_color.png: coloured by" in call("colorize", picture, "--model", run, "--device", "cpu")
    answer, asked = read_picture(tmp_path / "old_color.png"), read_picture(picture)
    assert answer.shape == asked.shape
    assert np.abs(luma(answer).astype(int) - luma(asked)).max() <= 2


def test_a_repaired_picture_has_the_size_of_the_first(tmp_path, picture):
    run = run_of(tmp_path / "run", "old_photo", "unet")
    call("repair", picture, "-o", tmp_path / "new.png", "--model", run)
    assert read_picture(tmp_path / "new.png").shape == (41, 50, 3)


def test_both_views_are_enlarged(tmp_path, picture):
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    right = picture.with_name("right.png")
    right.write_bytes(picture.read_bytes())
    (tmp_path / "out").mkdir()
    call("upscale", picture, right, "--model", run, "-o", tmp_path / "out")
    for name in ("old_x2.png", "right_x2.png"):
        assert read_picture(tmp_path / "out" / name).shape == (82, 100, 3)


def test_without_a_network_a_sentence_says_how_to_get_one(tmp_path, picture, monkeypatch):
    from restereo.errors import UserError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("restereo.inference.restored.released", list)
    for command in (["colorize", picture], ["repair", picture], ["upscale", picture, picture]):
        with pytest.raises(UserError, match=r"no trained network for task .*dvc --wait-for-lock repro train@"):
            CliRunner().invoke(app, [str(a) for a in command], catch_exceptions=False)
    run = run_of(tmp_path / "run", "colorization", "unet")
    with pytest.raises(UserError, match="trained for task 'colorization', not 'old_photo'"):
        CliRunner().invoke(app, ["repair", str(picture), "--model", str(run)], catch_exceptions=False)


def test_photos_are_measured_by_the_protocol(tmp_path, picture):
    done = call("evaluate", "grey_copy", "--task", "colorization", "--photos", tmp_path)
    assert "old" in done and "mean" in done
    from restereo.errors import UserError

    with pytest.raises(UserError, match="measured on photos"):
        CliRunner().invoke(app, ["evaluate", "grey_copy", "--task", "colorization"], catch_exceptions=False)
