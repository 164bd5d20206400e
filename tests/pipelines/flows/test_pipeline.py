"""The flow is what dvc.yaml says, on a real Prefect server."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.pipelines.flows.flow_runs import found, names, run_flow, start_flow

pytestmark = pytest.mark.xdist_group("prefect")

STAGES = {"fetch@a", "fetch@b", "join", "train@anaglyph_x", "register@anaglyph_x"}
FAILING = """
  broken:
    cmd: echo the picture is torn; exit 3
    deps: [joined]
    outs: [never]
  after:
    cmd: cp never later
    deps: [never]
    outs: [later]
  sibling:
    cmd: cp joined beside
    deps: [joined]
    outs: [beside]
"""


def test_the_flow_is_the_graph(project: Path, prefect_api: str) -> None:
    status, printed, run, tasks = run_flow(prefect_api)
    assert status == 0, printed
    assert names(tasks) == dict.fromkeys(STAGES, "Completed")
    assert run["state"]["message"] == "5 ran, 0 unchanged."
    assert "training anaglyph_x" in printed
    inputs = tasks["join"]["task_inputs"]["wait_for"]
    assert {one["id"] for one in inputs} == {tasks["fetch@a"]["id"], tasks["fetch@b"]["id"]}
    artifact = found(prefect_api, "artifacts", flow_runs={"id": {"any_": [run["id"]]}})
    assert "| train@anaglyph_x | Completed |" in str(artifact[0]["data"])

    with (project / "dvc.yaml").open("a") as file:
        file.write("  train_more@anaglyph:\n    cmd: echo more\n".replace("@", "_"))
    status, printed, run, tasks = run_flow(prefect_api, "*@anaglyph* train_more*")
    assert status == 0, printed
    cached = dict.fromkeys(STAGES - {"register@anaglyph_x"}, "Cached")
    assert names(tasks) == cached | {"register@anaglyph_x": "Completed", "train_more_anaglyph": "Completed"}
    assert run["name"] == "*@anaglyph* train_more*"


def test_a_failed_stage_fails_the_flow_and_what_needs_it_does_not_run(project: Path, prefect_api: str) -> None:
    with (project / "dvc.yaml").open("a") as file:
        file.write(FAILING)
    status, _, run, tasks = run_flow(prefect_api, "after sibling", "--at-once", "2")
    assert status == 1
    assert names(tasks)["broken"] == "Failed"
    assert names(tasks)["after"] == "NotReady"
    assert names(tasks)["sibling"] == "Completed"
    assert "the picture is torn" in tasks["broken"]["state"]["message"]
    assert run["state_name"] == "Failed"
    assert run["state"]["message"].startswith("Not run: after.\nbroken failed; its last lines say why:")
    assert not (project / "later").exists()


def test_ctrl_c_leaves_no_child_and_no_lock(
    project: Path, prefect_api: str, pids: Callable[[], list[int]], alive: Callable[[list[int]], list[int]]
) -> None:
    with start_flow(prefect_api, "slow") as process:
        stage = pids()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode != 0
    assert alive(stage) == []
    assert json.loads((project / ".dvc" / "tmp" / "rwlock").read_text()).get("read", {}) == {}


@pytest.mark.parametrize(
    "arguments", [["flow", "nosuch"], ["flow", "*", "--force", "--at-once", "0"], ["retrain", "*", "--only-drifted"]]
)
def test_a_wrong_argument_is_said_before_anything_starts(project: Path, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
