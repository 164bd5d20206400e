"""Wrong parameters, and a lock that is not of the code beside it, are named, without data and without a run."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.environment import DVC
from pipelines.flows import graph
from pipelines.operations.lock_check import check_current
from restereo.errors import UserError
from tests.conftest import ROOT

TARGETS = "register@* train@*"
OUTS = ("a", "b", "joined", "run_anaglyph_x", "run_colour_y")


def check_lock() -> None:
    check_current(graph.select(graph.read(), TARGETS).stages)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_the_lock_is_proved_without_data(project: Path) -> None:
    (project / "code").write_text("one")
    edit(project / "dvc.yaml", "deps: [joined]\n      outs", "deps: [joined, code]\n      outs")
    with pytest.raises(UserError, match="stale from stage 'fetch@a' on"):
        check_lock()  # was never run
    subprocess.run([*DVC, "repro", "-q", "--glob", *TARGETS.split()], check=True)
    for file in OUTS:
        (project / file).unlink()
    check_lock()
    assert not any((project / file).exists() for file in OUTS)
    (project / "code").write_text("two")
    with pytest.raises(UserError, match="stale from stage 'train@anaglyph_x' on; rerun `make run` and commit it"):
        check_lock()


def test_a_project_that_dvc_refuses_is_not_called_stale(project: Path) -> None:
    (project / "dvc.lock").write_text("{")
    with pytest.raises(UserError, match=r"dvc\.lock: not whole"):
        check_lock()


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", "check"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_a_misspelt_key_is_said_before_anything_runs(tmp_path: Path) -> None:
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("\n  learning_rate", "\n  learnin_rate", 1))
    done = check(tmp_path)
    assert done.returncode == 2
    assert "unknown key 'train.learnin_rate': did you mean 'learning_rate'?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_good_parameters_are_silent() -> None:
    done = check(ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
