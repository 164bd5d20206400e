"""A server that dies takes nothing with it: what runs goes on, what was made stays, the next run catches up."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines import paths
from pipelines.environment import DVC
from pipelines.flows import processes
from pipelines.flows.ui import HOST, Server, mlflow_server, prefect_server, serving
from tests.pipelines.conftest import copy_project, free_port
from tests.pipelines.flows.flow_runs import start_flow
from tests.pipelines.flows.test_servers import call, ran
from tests.pipelines.stages.test_stages import TINY, shell

pytestmark = [
    pytest.mark.xdist_group("servers"),
    pytest.mark.skipif("RESTEREO_REHEARSE" not in os.environ, reason="takes minutes; RESTEREO_REHEARSE=1 runs it"),
]

STEADY = """
  steady:
    cmd: touch begun; until test -e go; do sleep .1; done; echo done > steadied
    deps: [joined]
    outs: [steadied]
"""


@contextmanager
def mortal(server: Server, logs: Path) -> Iterator[Callable[[], None]]:
    """Yields what kills a server, with all its children, by SIGKILL."""
    started: list[subprocess.Popen[str]] = []
    start = processes.start

    def noting(*arguments: object) -> "subprocess.Popen[str]":
        started.append(start(*arguments))  # type: ignore[arg-type]
        return started[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "start", noting)
        with serving([server], logs):
            yield lambda: os.killpg(started[0].pid, signal.SIGKILL)


def wait_until(there: Callable[[], bool], process: "subprocess.Popen[str]", seconds: float = 400) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_a_stage_finishes_when_prefect_dies(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("prefect")
    server = prefect_server(free_port(), {"PREFECT_HOME": str(home)})
    api = server.environment["PREFECT_API_URL"]
    with (project / "dvc.yaml").open("a") as file:
        file.write(STEADY)
    with mortal(server, home) as kill, start_flow(api, "steady") as process:
        wait_until((project / "begun").exists, process)
        kill()
        time.sleep(3)
        (project / "go").touch()
        printed = process.communicate(timeout=400)[0]
    assert (project / "steadied").read_text() == "done\n", printed
    status = call(project, {}, *DVC, "status", "steady")
    assert "up to date" in status, status


def test_training_goes_on_when_mlflow_dies_and_register_catches_up(tmp_path: Path) -> None:
    project, store, port = tmp_path / "project", tmp_path / "store", free_port()
    settings = {"steps": 60, "validate_every": 30, "checkpoint_every": 5}
    longer = TINY | {"train": TINY["train"] | settings}  # type: ignore[operator]
    copy_project(project, longer)
    address = f"http://{HOST}:{port}"
    environment = shell(tmp_path) | {"MLFLOW_TRACKING_URI": address}
    call(project, environment, *DVC, "init", "-q", "--no-scm")
    store.mkdir()
    files = ["--backend-store-uri", f"sqlite:///{store}/mlflow.db", "--artifacts-destination", str(store / "files")]
    server = mlflow_server(port, *files)
    command = [*DVC, "repro", "register@tiny"]
    with mortal(server, tmp_path) as kill:
        process = subprocess.Popen(
            command,
            cwd=project,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        wait_until((project / paths.live("tiny") / "checkpoint.pt").exists, process)
        kill()
        printed = process.communicate(timeout=500)[0]
    assert process.returncode != 0
    assert ran(printed)[-3:] == ["train@tiny", "evaluate@tiny", "register@tiny"], printed
    assert "start the server, or unset MLFLOW_TRACKING_URI" in printed and "exited with 75" in printed
    assert "Traceback" not in printed
    assert (project / paths.run("tiny") / "weights.safetensors").is_file()
    with serving([server], tmp_path):
        printed = call(project, environment, *command)
        assert ran(printed) == ["register@tiny"], "training and evaluation were not lost"
        assert "imported as anaglyph version 1" in printed
