import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines.cli", "check"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": ""}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_a_misspelt_key_is_said_before_anything_runs(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("\n  learning_rate", "\n  learnin_rate", 1))
    done = check(tmp_path)
    assert done.returncode == 2
    assert "unknown key 'train.learnin_rate': did you mean 'learning_rate'?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_good_parameters_are_silent():
    done = check(ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
