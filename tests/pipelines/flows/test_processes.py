"""What is started ends with whoever started it."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.flows import processes

FAMILY = ["sh", "-c", "sleep 240 & echo $$ $! > pids; sleep 245"]
STUBBORN = ["sh", "-c", "trap '' INT TERM; echo $$ > pids; while true; do sleep 0.2; done"]


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def read_pids(folder: Path) -> list[int]:
    wait_until(lambda: (folder / "pids").is_file() and (folder / "pids").read_text().strip() != "")
    return [int(pid) for pid in (folder / "pids").read_text().split()]


@pytest.mark.parametrize("command", [FAMILY, STUBBORN], ids=["family", "stubborn"])
def test_stop_ends_it_with_its_children(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    alive: Callable[[list[int]], list[int]],
) -> None:
    monkeypatch.chdir(tmp_path)
    with processes.start(command, subprocess.DEVNULL) as process:
        pids = read_pids(tmp_path)
        assert processes.stop(process, patience=0.5) != 0
        assert processes.stop(process) != 0
    wait_until(lambda: not alive(pids), 5)


def test_it_ends_when_its_starter_is_killed(tmp_path: Path, alive: Callable[[list[int]], list[int]]) -> None:
    script = f"import time; from pipelines.flows.processes import start\nstart({FAMILY}, -3); time.sleep(99)"
    starter = subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path)
    pids = read_pids(tmp_path)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_until(lambda: not alive(pids), 20)


def test_nothing_starts_after_a_group_was_terminated() -> None:
    group = processes.ProcessGroup()
    group.terminate()
    with pytest.raises(InterruptedError), group.run(["echo"]):
        pass
