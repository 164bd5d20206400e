"""kill -9 of a training, in short; `python -m tests.resume` does it to the whole of `dvc repro` at 20 moments."""

import multiprocessing
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from restereo.training.trainer import train_recipe
from tests.restereo.training.test_loop import params

STEPS = 60


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize(("objective", "workers"), [("pixel", 2), ("adversarial", 0)])
def test_a_killed_training_ends_in_the_same_bytes(scenes, tmp_path, objective, workers):
    settings = params(objective=objective, workers=workers, steps=STEPS, validate_every=20, checkpoint_every=5)
    run, live = tmp_path / "run", tmp_path / "live"

    def training() -> None:
        os.setsid()  # so that the loader's processes are killed with it
        train_recipe(settings, "tiny", scenes, run, live, quiet=True)

    process = multiprocessing.get_context("fork").Process(target=training)  # a new Python would import for 5 s
    process.start()
    try:
        end = time.monotonic() + 120
        while not (live / "checkpoint.pt").exists():
            assert process.is_alive() and time.monotonic() < end, "no checkpoint was written"
            time.sleep(0.005)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.join()
    assert process.exitcode == -signal.SIGKILL and not run.exists()
    again = train_recipe(settings, "tiny", scenes, run, live, quiet=True)
    assert 0 < again["steps"] < STEPS, "it went on where it was"
    assert again["in_all"]["steps"] == STEPS and again["in_all"]["seconds"] > 0
    whole = tmp_path / "whole"
    train_recipe(settings, "tiny", scenes, whole, tmp_path / "other", quiet=True)
    assert files(run) == files(whole)
    assert not live.exists()
