"""A lock that is not of the code beside it is named, without data and without a run."""

import subprocess
from pathlib import Path

import pytest

from pipelines.environment import DVC
from pipelines.flows import graph
from pipelines.operations.lock_check import check_current
from restereo.errors import UserError

TARGETS = "register@* train@*"
OUTS = ("a", "b", "joined", "run_anaglyph_x", "run_colour_y")


def check() -> None:
    check_current(graph.select(graph.read(), TARGETS).stages)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_lock_is_proved_without_data(project: Path) -> None:
    (project / "code").write_text("one")
    edit(project / "dvc.yaml", "deps: [joined]\n      outs", "deps: [joined, code]\n      outs")
    with pytest.raises(UserError, match="stale from stage 'fetch@a' on"):
        check()  # was never run
    subprocess.run([*DVC, "repro", "-q", "--glob", *TARGETS.split()], check=True)
    for file in OUTS:
        (project / file).unlink()
    check()
    assert not any((project / file).exists() for file in OUTS)
    (project / "code").write_text("two")
    with pytest.raises(UserError, match="stale from stage 'train@anaglyph_x' on; rerun `make run` and commit it"):
        check()


def test_a_project_that_dvc_refuses_is_not_called_stale(project: Path) -> None:
    (project / "dvc.lock").write_text("{")
    with pytest.raises(UserError, match=r"dvc\.lock: not whole"):
        check()
