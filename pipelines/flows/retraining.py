"""The Prefect flow that retrains: new pictures, what is stale, the decision on the challenger, a notification."""

import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from pipelines import paths
from pipelines.environment import DVC, run_dvc
from pipelines.flows import graph, watch
from pipelines.flows.pipeline import page, read_project
from pipelines.flows.task_runner import TaskRunner, call, final_state
from pipelines.flows.ui import RETRAIN
from pipelines.operations import drift
from restereo.config import Params
from restereo.errors import UserError

REMOTE = "RESTEREO_DVC_REMOTE"
HOOK = "RESTEREO_WEBHOOK"
HOOK_SECONDS = 20.0
RECOVERS = "anaglyph"
"""Kind of the tasks whose models `restereo recover` uses."""


@flow(
    name=RETRAIN,
    flow_run_name="{targets}",
    description="Brings in new pictures, runs what is stale, lets the challenger challenge, notifies of the outcome.",
)
def retrain(
    targets: str = graph.TARGETS,
    promote: bool = True,
    share: bool = False,
    at_once: int = 1,
    base: str = "HEAD",
    statistics: str = "",
    only_drifted: bool = False,
) -> State[Any]:
    """Retrains what has changed: pictures in a watched folder, parameters, code.

    Args:
        targets: Globs of stage names, separated by blanks. What they need runs first; `*` is everything.
        promote: Make a challenger that earned it the champion; else only say whether it did.
        share: Get what others have made from DVC's remote first, and put there what is new.
        at_once: How many stages may run side by side. Each of them uses all cores.
        base: The git revision that the figures are compared with.
        statistics: What `RESTEREO_STATISTICS` named where pictures were recovered: say first whether they have drifted.
        only_drifted: Retrain only if they have.
    """
    try:
        check_options(statistics, only_drifted)
        params, wanted = read_project(targets)
        if share:
            set_remote()
    except UserError as error:
        notified = call(partial(_notify, Failed(message=str(error)), []))
        # A hook that does not answer must not hide why nothing ran.
        return Failed(message=f"{error}" if notified.is_completed() else f"{error}\n{notified.message}")
    tasks = tasks_of(params, wanted.stages) if params else []
    fresh: dict[str, str] = {}
    report: drift.Report | None = None

    def look() -> str:
        fresh.update(watch.look(params, wanted.stages) if params else {})
        return f"New pictures: {', '.join(fresh)}." if fresh else "No new pictures."

    def compare() -> str:
        nonlocal report
        report = drifted(Path(statistics), params, tasks) if params else None
        return report.description if report else "No training here yet to compare with."

    with TaskRunner(at_once) as runner:
        runner.call("watch", look)
        if share:
            runner.run("pull", [*DVC, "pull", "--run-cache", "--allow-missing"], retryable=True)
        if statistics:
            runner.call("drift", compare, after=["pull"] if share else [])
        states = runner.wait()
        wanting = not only_drifted or report is None or bool(report.drifted)
        if wanting and final_state(states).is_completed():
            runner.run_stages(wanted, [watch.stage(source) for source in fresh])
            states = runner.wait()
            watch.remember({name: seen for name, seen in fresh.items() if states[watch.stage(name)].is_completed()})
        if wanting and final_state(states).is_completed():
            for task in tasks:
                paths.decision(task).parent.mkdir(parents=True, exist_ok=True)
                runner.run(f"decide@{task}", decide_command(task, promote))
            if share:
                runner.run("push", [*DVC, "push", "--run-cache"], retryable=True)
            states = runner.wait()
        state, decided = final_state(states, wanted.stages), tasks if wanting else []
        if not wanting and state.is_completed():
            state = Completed(message="Nothing has drifted: nothing was retrained.")
        runner.call("notify", partial(_notify, state, decided, report))
        states = runner.wait()
    if not final_state(states).is_completed():
        state = final_state(states, wanted.stages)
    shown = page(params, decided, states, base, report)
    paths.RETRAINING.parent.mkdir(parents=True, exist_ok=True)
    paths.RETRAINING.write_text(f"**{state.message}**\n\n{shown}\n", encoding="utf-8")
    create_markdown_artifact(shown, key="retraining", description=state.message)
    return state


def _notify(state: State[Any], tasks: Iterable[str], report: drift.Report | None = None) -> str:
    done = state.is_completed()
    outcomes = [headline(task) for task in tasks] if done else []
    drifting = report.description if report else ""
    parts = [f"Retraining {'done' if done else 'failed'}: {state.message}", *filter(None, [drifting, *outcomes])]
    return f"Notified: {notify(' '.join(parts))}."


def notify(message: str) -> str:
    """Returns where a message went, after adding it to `data/logs/notices.log` and sending it to the web hook.

    `RESTEREO_WEBHOOK` is an address that takes `{"text": …}`, as Slack's, Mattermost's and Teams' do. Without it,
    the log is all. The address is a secret: no message holds more of it than the host.

    Raises:
        UserError: The hook refuses, or cannot be reached (this one passes).
    """
    paths.NOTICES.parent.mkdir(parents=True, exist_ok=True)
    with paths.NOTICES.open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {' '.join(message.split())}\n")
    hook = os.environ.get(HOOK, "")
    if not hook:
        return f"{paths.NOTICES} ({HOOK} is not set)"
    host = urlsplit(hook).netloc.rpartition("@")[2]
    if not hook.startswith(("http://", "https://")):
        raise UserError(f"{HOOK}: not an address of http or https; correct it.")
    content = json.dumps({"text": message}).encode()
    request = urllib.request.Request(hook, content, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=HOOK_SECONDS).close()
    except urllib.error.HTTPError as error:
        error.close()
        why = f"{HOOK}: {host} answers {error.code}; look whether the address is still right."
        raise UserError(why, passing=error.code >= 500 or error.code == 429) from None
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{HOOK}: {host} cannot be reached ({reason}); the line is in {paths.NOTICES}.", passing=True
        ) from None
    return f"{paths.NOTICES} and {host}"


def check_options(statistics: str, only_drifted: bool) -> None:
    """Raises `UserError` if a retraining hangs on drift, and nothing says what has drifted.

    Example:
        >>> check_options("log.jsonl", only_drifted=True)
    """
    if only_drifted and not statistics:
        raise UserError("only-drifted: nothing says what has drifted; name the log of recovered pictures, statistics.")


def set_remote() -> None:
    """Makes the address in `RESTEREO_DVC_REMOTE` DVC's default remote in this clone, for nobody else.

    Raises:
        UserError: It is not set, and the project names no remote either; or DVC refuses it.
    """
    if url := os.environ.get(REMOTE, ""):
        options = ["--quiet", "--local", "--force", "--default"]
        printed, error = run_dvc("remote", "add", *options, "shared", url)
    else:
        printed, error = run_dvc("remote", "default")
    if error:
        raise UserError(f"{REMOTE}: DVC refuses it: {error}")
    if not url and (not printed.strip() or "No default remote" in printed):
        raise UserError(f"{REMOTE}: not set, and .dvc/config names no remote; set it to where DVC's data are, s3://…")


def tasks_of(params: Params, stages: Iterable[str]) -> list[str]:
    """Returns the tasks whose recipes are among the stages, in the order of `params.yaml`."""
    keys = {stage.partition("@")[2] for stage in stages}
    found = {row.task for name, row in params.recipes.items() if name in keys}
    return [task for task in params.tasks if task in found]


def decide_command(task: str, promote: bool) -> list[str]:
    """Returns the command that lets a task's challenger challenge, and writes what came of it.

    Example:
        >>> decide_command("anaglyph", promote=False)[-4:]
        ['anaglyph', '--markdown', 'data/.decisions/anaglyph.md', '--dry-run']
    """
    dry = [] if promote else ["--dry-run"]
    return [sys.executable, "-m", "pipelines.cli", "promote", task, "--markdown", str(paths.decision(task)), *dry]


def drifted(log: Path, params: Params, tasks: Sequence[str]) -> drift.Report | None:
    """Returns whether recovered pictures still are like those that anaglyph models are trained on.

    Args:
        log: What `RESTEREO_STATISTICS` named where pictures were recovered.
        params: The checked parameters.
        tasks: Those that are retrained; their training comes before that of others.

    Returns:
        None if there is no manifest yet, so nothing to compare with.

    Raises:
        UserError: There is no such log, a line of it is broken, or no task recovers pictures.
    """
    task = next((one for one in (*tasks, *params.tasks) if params.kinds[one] == RECOVERS), None)
    if task is None:
        raise UserError(f"{log}: it holds recovered pictures, but params.yaml has no task of kind '{RECOVERS}'.")
    if paths.MANIFEST.is_file():
        return drift.check(log, task)
    drift.read_log(log)
    return None


def headline(task: str) -> str:
    """Returns the first line of the last decision on a task; nothing if there was none."""
    file = paths.decision(task)
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return lines[0].strip("*") if lines else ""
