"""The benchmark is there and says what it can measure. Nothing here looks at a time."""

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.clock import ratio, take_turns
from tests.bench.figure import Figure
from tests.conftest import ROOT


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_help_lists_every_measure_with_a_sentence() -> None:
    message = bench("--help")
    assert message.returncode == 0, message.stderr
    files = sorted((ROOT / "tests" / "bench" / "measures").glob("*.py"))
    lines = {line.split()[0]: line.split()[1:] for line in message.stdout.splitlines() if line.startswith("  ")}
    assert len(files) >= 8
    assert all(len(lines[file.stem]) > 3 for file in files)


def test_a_measure_runs_and_a_wrong_name_is_said_with_the_right_ones(tmp_path: Path) -> None:
    message = bench("formation", "--quick", "--json", str(tmp_path / "figures.json"))
    assert message.returncode == 0, message.stderr
    content = json.loads((tmp_path / "figures.json").read_text())
    names = {figure["name"] for figure in content["figures"]}
    assert "formation.arcc" in names and content["machine"]["cores"] > 0
    wrong = bench("format")
    assert wrong.returncode == 2 and "formation" in wrong.stderr


def test_works_take_turns_and_ratios_are_taken_round_by_round() -> None:
    seconds, order = iter(range(100)), []
    times = take_turns({n: lambda n=n: order.append(n) for n in "ab"}, 2, "", clock=lambda: float(next(seconds)))
    assert order == ["a", "b", "b", "a", "a", "b"]
    assert times == {"a": [1.0, 1.0], "b": [1.0, 1.0]}
    assert ratio({"a": [2.0, 9.0, 40.0], "b": [1.0, 3.0, 10.0]}, "a", "b") == 3.0


def test_a_figure_says_whether_its_target_is_met() -> None:
    assert Figure("a", 1.0, target=1.0).verdict == "met"
    assert Figure("a", 1.1, target=1.0).verdict == "missed"
    assert Figure("a", 1.1, target=1.0, sense="at least").verdict == "met"
    assert Figure("a", 0.9, target=1.0, sense="at least").verdict == "missed"
    assert Figure("a", None, target=1.0).verdict == "skipped"
    assert Figure("a", 1.0).verdict == ""
