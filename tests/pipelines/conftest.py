"""A tiny DVC project of shell stages, and a Prefect server of the tests' own."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
import yaml
from filelock import FileLock

from pipelines import paths
from pipelines.environment import ENVIRONMENT
from pipelines.flows.ui import prefect_server, serving
from pipelines.tracking.client import connect
from pipelines.tracking.store import Store
from tests.conftest import ROOT

DVC_YAML = """
stages:
  fetch:
    foreach: [a, b]
    do:
      cmd: echo ${item} > ${item}
      outs: ["${item}"]
  join:
    cmd: cat a b > joined
    deps: [a, b]
    outs: [joined]
  train:
    foreach: {anaglyph_x: 1, colour_y: 2}
    do:
      cmd: echo training ${key}; cp joined run_${key}
      deps: [joined]
      outs: ["run_${key}"]
  register:
    foreach: {anaglyph_x: 1, colour_y: 2}
    do:
      cmd: echo registered ${key}
      deps: ["run_${key}"]
      always_changed: true
  slow:
    cmd: sleep 250 & echo $$ $! > pids; sleep 260
    deps: [joined]
"""


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def copy_project(folder: Path, params: dict[str, Any]) -> None:
    """Fills a folder with this code and graph, and with parameters."""
    for code in ("restereo", "pipelines"):
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / file, folder / file)
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A DVC project, and the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True, env=os.environ | ENVIRONMENT)
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


@pytest.fixture
def pids(project: Path) -> Callable[[], list[int]]:
    """Waits for the stage `slow` and returns the processes that it consists of."""

    def wait() -> list[int]:
        end, file = time.monotonic() + 240, project / "pids"
        while not (file.is_file() and file.read_text().endswith("\n")):
            assert time.monotonic() < end, "the stage did not start"
            time.sleep(0.1)
        return [int(pid) for pid in file.read_text().split()]

    return wait


@pytest.fixture
def alive() -> Callable[[list[int]], list[int]]:
    """Those of some processes that still run. One that has ended and waits to be noticed does not."""

    def still(found: list[int]) -> list[int]:
        running = []
        for pid in found:
            with suppress(psutil.NoSuchProcess):
                if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    running.append(pid)
        return running

    return still


class Listener(BaseHTTPRequestHandler):
    """Notes what is posted, and answers with the status that the path begins with: `/503/...`."""

    posted: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.end_headers()

    def do_POST(self) -> None:
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.do_GET()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="session")
def listener() -> Iterator[str]:
    """Address of a web server that answers as its paths say."""
    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def posted() -> list[str]:
    """What the listener was told in this test."""
    Listener.posted.clear()
    return Listener.posted


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database of MLflow, made once for all workers: the migration takes longer than all the rest."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    database = folder / "empty.db"
    with FileLock(folder / "empty.lock"):
        if not database.exists():
            connect(Store(f"sqlite:///{database}", None, database))
    return database


@pytest.fixture
def mlflow_store(tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an empty MLflow store, and the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    paths.MLFLOW.mkdir(parents=True)
    shutil.copy(empty_database, paths.MLFLOW / "mlflow.db")
    return tmp_path


@pytest.fixture
def lose_database(mlflow_store: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Puts an empty MLflow store in place of the one that there is."""

    def lose() -> None:
        shutil.rmtree(paths.MLFLOW)
        paths.MLFLOW.mkdir()
        other = mlflow_store / paths.MLFLOW / "other.db"  # MLflow keeps its connection to a file of the same name
        shutil.copy(empty_database, other)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{other}")

    return lose


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running Prefect server: the one that `RESTEREO_TEST_PREFECT` names, else one of the tests' own."""
    if given := os.environ.get("RESTEREO_TEST_PREFECT"):
        yield given
        return
    home = tmp_path_factory.mktemp("prefect")
    server = prefect_server(free_port(), {"PREFECT_HOME": str(home)})
    with serving([server], logs=home):
        yield server.environment["PREFECT_API_URL"]
