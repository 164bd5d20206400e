"""The pages: both servers start, the flow is scheduled on them, and Ctrl-C ends all of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from pipelines import paths
from pipelines.flows import ui
from restereo.errors import UserError
from tests.pipelines.flows.flow_runs import ask


def marked(mark: str) -> list[psutil.Process]:
    """Every process that inherited our mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("RESTEREO_TEST") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


@pytest.mark.xdist_group("prefect")
def test_the_pages_open_schedule_run_and_close(
    project: Path,
    empty_database: Path,
    ports: tuple[int, int],
    pids: Callable[[], list[int]],
    alive: Callable[[list[int]], list[int]],
) -> None:
    mark, (mlflow, prefect) = uuid.uuid4().hex, ports
    paths.MLFLOW.mkdir(parents=True)
    shutil.copy(empty_database, paths.MLFLOW / "mlflow.db")
    command = [sys.executable, "-m", "pipelines.cli", "ui", "--cron", "*/7 * * * *"]
    command += ["--port", str(mlflow), "--prefect-port", str(prefect)]
    environment = os.environ | {"RESTEREO_TEST": mark}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline() for _ in range(6)]
        assert f"http://127.0.0.1:{mlflow}" in printed[1], printed
        assert f"http://127.0.0.1:{prefect}" in printed[3]
        with urllib.request.urlopen(f"http://127.0.0.1:{mlflow}/", timeout=30) as page:
            assert b"MLflow" in page.read()
        api = f"http://127.0.0.1:{prefect}/api"
        deployment = ask(f"{api}/deployments/name/restereo/restereo")
        assert set(deployment["parameter_openapi_schema"]["properties"]) == {"targets", "force", "at_once"}

        scheduled: list[dict[str, Any]] = []
        end = time.monotonic() + 90
        while not scheduled and time.monotonic() < end:
            runs = ask(f"{api}/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}})
            scheduled = [run for run in runs if run["auto_scheduled"]]
            time.sleep(0.5)
        retraining = ask(f"{api}/deployments/name/retrain/retrain")
        assert scheduled and scheduled[0]["deployment_id"] == retraining["id"]

        ask(f"{api}/deployments/{deployment['id']}/create_flow_run", {"parameters": {"targets": "slow"}})
        stage = pids()
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0
        assert "Stopped." in process.stdout.read()
    # What a killed flow had started is ended by its guard, which takes a few seconds (pipelines/flows/processes.py).
    end = time.monotonic() + 30
    while marked(mark) and time.monotonic() < end:
        time.sleep(0.2)
    assert marked(mark) == []
    assert alive(stage) == []
    assert not (project / ui.ADDRESS).exists()


@pytest.mark.xdist_group("prefect")
def test_stale_runs_are_marked_crashed(prefect_api: str) -> None:
    """Runs of the served deployments that nothing runs any more; what else runs on the server is left alone."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, temporary_settings

    from pipelines.flows import deployments

    flow = ask(f"{prefect_api}/flows/", {"name": "any"})["id"]
    runs = {}
    for name in (ui.FLOW, "other"):
        deployment = ask(f"{prefect_api}/deployments/", {"name": name, "flow_id": flow})["id"]
        runs[name] = ask(f"{prefect_api}/deployments/{deployment}/create_flow_run", {"state": {"type": "RUNNING"}})[
            "id"
        ]
    with temporary_settings({PREFECT_API_URL: prefect_api}), get_client(sync_client=True) as client:
        deployments.mark_crashed(client)
    states = {name: ask(f"{prefect_api}/flow_runs/{run}")["state"] for name, run in runs.items()}
    assert {name: state["type"] for name, state in states.items()} == {ui.FLOW: "CRASHED", "other": "RUNNING"}
    assert "from the last checkpoint" in states[ui.FLOW]["message"]


def test_a_port_in_use_is_a_sentence_with_another_port() -> None:
    with socket.socket() as holder:
        holder.bind((ui.HOST, 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(UserError, match=f"--port: port {port} is in use; .* --port {port + 10}"):
            ui.check_port("--port", port)


def test_a_server_that_dies_is_named_with_its_last_lines(tmp_path: Path) -> None:
    dead = ui.Server("mlflow", ["sh", "-c", "echo the database is torn; exit 3"], {}, "http://127.0.0.1:9/")
    message = r"(?s)the mlflow server ended with status 3.*the database is torn"
    with pytest.raises(UserError, match=message), ui.serving([dead], logs=tmp_path):
        pass


def test_a_wrong_cron_line_is_a_sentence(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", "ui", "--cron", "at three"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --cron: 'at three' is not a cron line;")
