"""Two trainings of one recipe would write the same checkpoint; a full disk costs what came after the last one."""

import os
import sqlite3
from pathlib import Path

import pytest
from safetensors import SafetensorError

from pipelines.environment import is_full, run_stage
from pipelines.stages import train
from restereo.errors import UserError
from restereo.training.checkpoint import Live
from restereo.training.trainer import train_recipe
from tests.restereo.training.test_loop import params


def test_a_second_training_of_a_recipe_is_refused_while_the_first_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        train.alone("x"),
        pytest.raises(UserError, match=r"x\.lock: another training of 'x' still runs; wait for it, or end it"),
        train.alone("x", 0),
    ):
        pass
    with train.alone("x", 0), train.alone("y", 0):
        pass


def test_a_disk_that_fills_up_during_a_checkpoint_costs_only_what_came_after_the_last_one(
    scenes, tmp_path, monkeypatch, capsys
):
    """The file that a checkpoint is written to first is /dev/full from the third one on: the system itself says no."""
    settings = params(steps=10, checkpoint_every=2, validate_every=5)
    run, live = tmp_path / "run", tmp_path / "live"
    temporary, saves, save = live / f".checkpoint.pt.{os.getpid()}.tmp", [], Live.save

    def filling(self, state):
        saves.append(state["outcome"]["step"])
        if len(saves) == 3:
            temporary.symlink_to("/dev/full")
        save(self, state)

    with monkeypatch.context() as patch:
        patch.setattr(Live, "save", filling)
        patch.setattr("sys.argv", ["pipelines/stages/train.py"])
        with pytest.raises(SystemExit) as end:
            run_stage(lambda: train_recipe(settings, "tiny", scenes, run, live, quiet=True))
    assert end.value.code == 2 and saves == [2, 4, 6]
    message = capsys.readouterr().err
    assert message.startswith(f"error: {Path.cwd()}: the disk is full") and "Traceback" not in message
    assert not run.exists()
    assert not temporary.is_symlink(), "half a checkpoint takes no room on a full disk"
    again = train_recipe(settings, "tiny", scenes, run, live, quiet=True)
    assert again["steps"] == 6, "it went on after step 4"
    whole = tmp_path / "whole"
    train_recipe(settings, "tiny", scenes, whole, tmp_path / "other", quiet=True)
    assert {f.name: f.read_bytes() for f in run.iterdir()} == {f.name: f.read_bytes() for f in whole.iterdir()}


def test_a_full_disk_is_known_by_what_each_library_says():
    """Both sentences were seen on a file system of 1 MiB."""
    assert is_full(SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"))
    assert is_full(sqlite3.OperationalError("database or disk is full"))
    assert not is_full(ValueError("the picture is torn"))
