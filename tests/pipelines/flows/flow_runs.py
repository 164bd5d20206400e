"""Flow runs, started as a person starts them and read back from Prefect's server."""

import os
import subprocess
import sys
import time
from typing import Any

import urllib3

BUSY = urllib3.Retry(connect=0, read=0, status=8, status_forcelist=(503,), allowed_methods=None, backoff_factor=0.2)


def ask(address: str, body: dict[str, Any] | None = None) -> Any:
    """What Prefect's server answers; one whose database is busy is asked again."""
    answer = urllib3.request("GET" if body is None else "POST", address, json=body, retries=BUSY, timeout=30)
    assert answer.status < 400, f"{address}: {answer.status}: {answer.data.decode(errors='replace')}"
    return answer.json()


def found(api: str, what: str, **body: Any) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = ask(f"{api}/{what}/filter", body)
    return answer


def start_flow(api: str, *arguments: str, command: str = "flow") -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", command, *arguments],
        env=os.environ | {"PREFECT_API_URL": api},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_flow(
    api: str, *arguments: str, command: str = "flow"
) -> tuple[int, str, dict[str, Any], dict[str, dict[str, Any]]]:
    """Exit status, what was printed, the flow run, and its task runs by name."""
    with start_flow(api, *arguments, command=command) as process:
        printed = process.communicate(timeout=400)[0]
    named = {"name": {"any_": ["restereo" if command == "flow" else command]}}
    begun = {"start_time": {"is_null_": False}}  # a schedule's next runs would come first
    run = found(api, "flow_runs", sort="START_TIME_DESC", limit=1, flows=named, flow_runs=begun)[0]
    tasks: list[dict[str, Any]] = []
    end = time.monotonic() + 20  # task runs reach the server's table a moment after the run has ended
    while time.monotonic() < end:
        tasks = found(api, "task_runs", flow_runs={"id": {"any_": [run["id"]]}})
        if tasks and all(t["state_type"] not in ("RUNNING", "PENDING") or t["state_name"] == "NotReady" for t in tasks):
            break
        time.sleep(0.2)
    return process.returncode, printed, run, {t["name"]: t for t in tasks}


def names(tasks: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: task["state_name"] for name, task in tasks.items()}
