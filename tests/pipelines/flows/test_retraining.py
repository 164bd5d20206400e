"""The retraining flow on a real Prefect server: watch, run, decide, tell; again only what may pass; queue; cancel."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines import paths
from pipelines.flows.ui import Server, serving
from restereo.config import load_params
from restereo.errors import UserError
from tests.conftest import ROOT
from tests.pipelines.flows.flow_runs import ask, found, names, run_flow
from tests.pipelines.stages.test_stages import TINY

pytestmark = pytest.mark.xdist_group("prefect")

WATCHING = """
  download@mine:
    cmd: mkdir -p data/raw/mine && cp pictures/* data/raw/mine && touch data/raw/mine/index.json
    outs: [data/raw/mine]
  look:
    cmd: ls data/raw/mine > looked
    deps: [data/raw/mine]
    outs: [looked]
"""
PASSING = """
  passing:
    cmd: test -e came || { touch came; echo the server is away; exit 75; }
    outs: [passed]
  lasting:
    cmd: echo the key is wrong; exit 2
"""


@pytest.fixture
def watching(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shell project with a watched folder, and retries at once."""
    monkeypatch.setenv("RESTEREO_RETRY_SECONDS", "0.1")
    monkeypatch.delenv("RESTEREO_WEBHOOK", raising=False)
    stages = (project / "dvc.yaml").read_text() + WATCHING.replace("download@mine", "download") + PASSING
    found = yaml.safe_load(stages)
    found["stages"]["download"] = {"foreach": ["mine"], "do": found["stages"]["download"]}
    found["stages"]["passing"]["cmd"] += " && echo > passed"
    (project / "dvc.yaml").write_text(yaml.safe_dump(found))
    sources = {"mine": {"kind": "folder", "path": "pictures"}}
    tasks = {"anaglyph": {"sources": ["mine"]}}
    (project / "params.yaml").write_text(yaml.safe_dump(TINY | {"sources": sources, "tasks": tasks}))
    add("a.png")
    return project


def add(name: str) -> None:
    """A picture that came a while ago."""
    Path("pictures").mkdir(exist_ok=True)
    Path("pictures", name).write_text(name)


def run(api: str, *arguments: str) -> tuple[int, str, dict[str, Any], dict[str, dict[str, Any]]]:
    return run_flow(api, *arguments, command="retrain")


def test_new_pictures_are_brought_in_and_only_what_hangs_on_them_runs(
    watching: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTEREO_SETTLED_SECONDS", "0")
    status, printed, flow, tasks = run(prefect_api, "look join")
    assert status == 0, printed
    expected = dict.fromkeys(["fetch@a", "fetch@b", "join", "download@mine", "look"], "Completed")
    assert names(tasks) == expected | {"watch": "Completed", "notify": "Completed"}
    assert tasks["watch"]["state"]["message"] == "New pictures: mine."
    assert "Retraining done: 5 ran, 0 unchanged." in paths.NOTICES.read_text()
    assert "| look | Completed |" in paths.RETRAINING.read_text()
    artifact = found(prefect_api, "artifacts", flow_runs={"id": {"any_": [flow["id"]]}})
    assert artifact[0]["key"] == "retraining" and "| look | Completed |" in str(artifact[0]["data"])

    add("b.png")
    status, printed, flow, tasks = run(prefect_api, "look join")
    assert status == 0, printed
    assert {name for name, state in names(tasks).items() if state == "Cached"} == {"fetch@a", "fetch@b", "join"}
    assert (watching / "looked").read_text().split() == ["a.png", "b.png", "index.json"]


def test_only_what_may_pass_is_tried_again(watching: Path, prefect_api: str) -> None:
    status, printed, flow, tasks = run(prefect_api, "passing lasting")
    assert status == 1
    assert "the server is away" in printed
    assert (tasks["passing"]["state_name"], tasks["passing"]["run_count"]) == ("Completed", 2)
    assert (tasks["lasting"]["state_name"], tasks["lasting"]["run_count"]) == ("Failed", 1)
    assert "the key is wrong" in flow["state"]["message"]
    assert "Retraining failed" in paths.NOTICES.read_text()


def test_a_hook_that_does_not_answer_hides_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines.flows import retraining

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RESTEREO_WEBHOOK", "http://127.0.0.1:9/hook")
    state = retraining.retrain.fn(only_drifted=True)
    assert state.is_failed()
    why = r"only-drifted: nothing says what has drifted.*\nRESTEREO_WEBHOOK: 127\.0\.0\.1:9 cannot be reached"
    assert re.match(why, state.message or "")


def note(count: int, brightness: int) -> None:
    """A manifest of 60 training pictures of brightness 70 to 129, and so many recovered ones from this one on."""
    paths.MANIFEST.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"mine,train,600,400,{70 + n},50" for n in range(60)]
    paths.MANIFEST.write_text("\n".join(["source,split,width,height,mean,std", *rows]) + "\n")
    lines = [{"model": "a" * 64, "megapixels": 0.24, "brightness": brightness + n % 60} for n in range(count)]
    Path("log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_drift_starts_a_retraining_and_is_told(
    watching: Path, prefect_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESTEREO_SETTLED_SECONDS", "0")
    arguments = ["look", "--statistics", "log.jsonl", "--only-drifted"]
    note(80, 70)
    status, printed, flow, tasks = run(prefect_api, *arguments)
    assert status == 0, printed
    assert names(tasks) == dict.fromkeys(["watch", "drift", "notify"], "Completed")
    assert flow["state"]["message"] == "Nothing has drifted: nothing was retrained."
    assert "log.jsonl: no drift in 2 figures over 80 pictures." in paths.NOTICES.read_text()
    note(80, 10)
    status, printed, flow, tasks = run(prefect_api, *arguments)
    assert status == 0, printed
    assert set(tasks) == {"watch", "drift", "download@mine", "look", "notify"}
    assert flow["state"]["message"] == "2 ran, 0 unchanged."
    assert "brightness drifted over 80 pictures; retrain on such pictures" in paths.NOTICES.read_text()
    assert "| brightness | 60 | 80 |" in paths.RETRAINING.read_text()


def test_a_log_is_read_even_where_nothing_is_to_compare_with(watching: Path) -> None:
    from pipelines.flows import retraining

    params = load_params()
    with pytest.raises(UserError, match="nowhere: no such file; set RESTEREO_STATISTICS"):
        retraining.drifted(Path("nowhere"), params, ["anaglyph"])
    note(80, 10)
    report = retraining.drifted(Path("log.jsonl"), params, [])
    assert report is not None and report.drifted == ["brightness"]
    paths.MANIFEST.unlink()
    assert retraining.drifted(Path("log.jsonl"), params, ["anaglyph"]) is None


@pytest.fixture
def worker(watching: Path, prefect_api: str) -> Iterator[str]:
    """Id of the deployment of `prefect.yaml`, with a worker that serves it."""
    shutil.copy(ROOT / "prefect.yaml", watching)
    (watching / "pipelines").symlink_to(ROOT / "pipelines")
    environment = {"PREFECT_API_URL": prefect_api, "RESTEREO_HOME": str(watching), "PYTHONPATH": str(ROOT)}
    environment |= {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    prefect = [sys.executable, "-m", "prefect"]
    for command in (["work-pool", "create", "restereo", "--type", "process"], ["--no-prompt", "deploy", "--all"]):
        done = subprocess.run(
            [*prefect, *command], env=os.environ | environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    command = [*prefect, "worker", "start", "--pool", "restereo", "--type", "process", "--limit", "1"]
    with serving([Server("worker", command, environment, f"{prefect_api}/health")], logs=watching):
        yield str(ask(f"{prefect_api}/deployments/name/retrain/worker")["id"])


def wait_for(api: str, run_id: str, *wanted: str, seconds: float = 400) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        run: dict[str, Any] = ask(f"{api}/flow_runs/{run_id}")
        if run["state_name"] in wanted:
            return run
        time.sleep(0.3)
    raise AssertionError(f"still {run['state_name']}")


def test_a_worker_runs_one_at_a_time_and_a_cancelled_run_leaves_no_child(
    worker: str,
    prefect_api: str,
    pids: Callable[[], list[int]],
    alive: Callable[[list[int]], list[int]],
) -> None:
    deployment = ask(f"{prefect_api}/deployments/{worker}")
    assert deployment["schedules"][0]["schedule"]["cron"] == "0 3 * * *"
    assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    parameters = ["targets", "promote", "share", "at_once", "base", "statistics", "only_drifted"]
    assert list(deployment["parameter_openapi_schema"]["properties"]) == parameters
    start = f"{prefect_api}/deployments/{worker}/create_flow_run"
    first = ask(start, {"parameters": {"targets": "slow", "share": False}})["id"]
    stage = pids()
    second = ask(start, {"parameters": {"targets": "join", "share": False}})["id"]
    time.sleep(3)
    assert ask(f"{prefect_api}/flow_runs/{second}")["start_time"] is None, "it waits for its turn"
    cancelling = {"state": {"type": "CANCELLING", "name": "Cancelling"}}
    ask(f"{prefect_api}/flow_runs/{first}/set_state", cancelling)
    ended = wait_for(prefect_api, first, "Cancelled")
    assert alive(stage) == []
    after = wait_for(prefect_api, second, "Completed")
    assert after["start_time"] >= ended["end_time"]
