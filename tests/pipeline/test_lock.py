"""A lock that is not of the code beside it is named, without data and without a run."""

import subprocess
from pathlib import Path

import pytest

from pipelines import graph, lock
from restereo.errors import UserError

TARGETS = "register@* train@*"
OUTS = ("a", "b", "joined", "run_anaglyph_x", "run_colour_y")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_lock_is_proved_without_data(project: Path) -> None:
    (project / "code").write_text("one")
    edit(project / "dvc.yaml", "deps: [joined]\n      outs", "deps: [joined, code]\n      outs")
    with pytest.raises(UserError, match="stale from stage 'fetch@a' on"):
        lock.check(TARGETS)  # was never run
    subprocess.run([*graph.DVC, "repro", "-q", "--glob", *TARGETS.split()], check=True)
    for file in OUTS:
        (project / file).unlink()
    lock.check(TARGETS)
    assert not any((project / file).exists() for file in OUTS)
    (project / "code").write_text("two")
    with pytest.raises(UserError, match="stale from stage 'train@anaglyph_x' on; rerun `make run` and commit it"):
        lock.check(TARGETS)


def test_a_project_that_dvc_refuses_is_not_called_stale(project: Path) -> None:
    (project / "dvc.lock").write_text("{")
    with pytest.raises(UserError, match=r"dvc\.lock: not whole"):
        lock.check(TARGETS)
