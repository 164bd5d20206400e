"""The Prefect flow, derived from the DVC graph. The only file that imports prefect.

No stage is named here: a stage added to `dvc.yaml` is a task of the next run. DVC alone decides what is stale.
"""

import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import State
from prefect.client.schemas.schedules import CronSchedule
from prefect.futures import PrefectFuture
from prefect.schedules import Cron
from prefect.states import Cancelled, Completed, Failed
from prefect.types.entrypoint import EntrypointType

from pipelines import graph, paths, processes, summary
from pipelines.ui import FLOW
from restereo.config import load_params
from restereo.errors import UserError

TARGETS = "*@anaglyph*"
TAIL = 15
"""How many of a failed stage's last lines its state repeats."""
CHATTER = {
    "Data and pipelines are up to date.",
    "Use `dvc push` to send your updates to remote storage.",
    "To enable auto staging, run:",
    "dvc config core.autostage true",
}
"""Hints that DVC repeats after every stage."""


def untouched(stage: str, line: str) -> bool:
    """Returns whether DVC says with this line that it did not run the stage.

    Example:
        >>> untouched("validate", "Stage 'validate' didn't change, skipping")
        True
        >>> untouched("validate", "Stage 'validate' is cached - skipping run, checking out outputs")
        True
        >>> untouched("validate", "Running stage 'validate':")
        False
    """
    said = line.removeprefix("Stage ").removeprefix(f"'{stage}' ")
    return said in ("didn't change, skipping", "is cached - skipping run, checking out outputs")


def run_stage(stage: str, force: bool, crew: processes.Crew) -> State[Any]:
    """Returns the state in which a stage ends, after DVC has run it or found nothing to do.

    What it prints goes to the run's log, line by line. `Cached`: its outputs are those of an earlier run.
    """
    logger = get_run_logger()
    tail: deque[str] = deque(maxlen=TAIL)
    cached = False
    with crew.member([*graph.DVC, "repro", "--single-item", *(["--force"] if force else []), stage]) as process:
        for line in process.stdout or ():
            said = line.rstrip().rpartition("\r")[2]  # a progress bar rewrites its line: its last state counts
            if said.strip() and said.strip() not in CHATTER:
                logger.info(said)
                tail.append(said)
                cached = cached or untouched(stage, said)
        status = process.wait()
    if crew.dismissed:
        return Cancelled(message="Stopped with the flow run.")
    if status:
        return Failed(message="\n".join([f"{stage} failed; its last lines say why:", *tail]))
    return Completed(name="Cached", message="Unchanged.") if cached else Completed(message="Ran.")


@flow(
    name=FLOW,
    flow_run_name="{targets}",
    description="The stages of `dvc.yaml` that the targets name, with what they need. Unchanged ones end Cached.",
)
def pipeline(targets: str = TARGETS, force: bool = False, at_once: int = 1) -> State[Any]:
    """Runs stages in the order of the DVC graph.

    Args:
        targets: Globs of stage names, separated by blanks. What they need runs first; `*` is everything.
        force: Run also what has not changed.
        at_once: How many stages may run side by side. Each of them uses all cores.
    """
    try:
        if Path("params.yaml").exists():
            load_params()
        wanted = graph.select(graph.read(), targets)
    except UserError as error:
        return Failed(message=str(error))
    slots = threading.BoundedSemaphore(max(1, at_once))
    futures: dict[str, PrefectFuture[Any]] = {}
    crew = processes.Crew()
    try:
        for stage, parents in wanted.parents.items():
            slots.acquire()
            named = task(name=stage.partition("@")[0], task_run_name=stage, cache_policy=NO_CACHE)
            before = [futures[parent] for parent in parents]
            futures[stage] = named(run_stage).submit(stage, force, crew, wait_for=before, return_state=False)
            futures[stage].add_done_callback(lambda _: slots.release())
        for future in futures.values():
            future.wait()
    finally:
        crew.dismiss()  # a cancelled run, Ctrl-C, an exception: nothing that was started may outlive the flow
    states = {stage: future.state for stage, future in futures.items()}
    verdict = _verdict(states)
    if verdict.is_completed():
        create_markdown_artifact(_page(states), key="summary", description=verdict.message)
    return verdict


def _verdict(states: Mapping[str, State[Any]]) -> State[Any]:
    failed = {stage: state for stage, state in states.items() if state.is_final() and not state.is_completed()}
    skipped = [stage for stage, state in states.items() if not state.is_final()]
    if failed:
        reasons = [state.message or "" for state in failed.values()]
        return Failed(message="\n".join([*([f"Not run: {', '.join(skipped)}."] if skipped else []), *reasons]))
    cached = sum(state.name == "Cached" for state in states.values())
    return Completed(message=f"{len(states) - cached} ran, {cached} unchanged.")


def _page(states: Mapping[str, State[Any]]) -> str:
    """What a successful run leaves on the Prefect page."""
    results = summary.read(load_params()) if (paths.DATA / "evaluation").is_dir() else []
    parts = [f"## {one.task}\n\n{summary.markdown(one)}\n\nReport: `{paths.report(one.task)}`" for one in results]
    rows = [f"| {stage} | {state.name} |" for stage, state in states.items()]
    return "\n\n".join([*parts, "\n".join(["## Stages", "", "| stage | state |", "|---|---|", *rows])])


def check_cron(cron: str) -> None:
    """Raises `UserError` unless this is a cron line.

    Example:
        >>> check_cron("0 3 * * *")
        >>> check_cron("at three")
        Traceback (most recent call last):
        restereo.errors.UserError: --cron: 'at three' is not a cron line; write five fields, e.g. '0 3 * * *'.
    """
    try:
        CronSchedule(cron=cron)
    except ValueError:
        raise UserError(f"--cron: '{cron}' is not a cron line; write five fields, e.g. '0 3 * * *'.") from None


def serve(cron: str | None = None) -> None:
    """Serves the flow to the server that `PREFECT_API_URL` names until it is stopped: run it there or by schedule.

    Schedules made on the page stay from one start to the next. A run missed in between is not made up for.

    Args:
        cron: Run it at these times (local time), e.g. `0 3 * * *`; replaces the schedules there are.
    """
    _drop_missed()
    pipeline.serve(
        name=FLOW,
        schedule=Cron(cron, timezone=_timezone()) if cron else None,
        limit=1,
        pause_on_shutdown=False,
        print_starting_message=False,
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _drop_missed() -> None:
    past = filters.FlowRunFilterExpectedStartTime(before_=datetime.now(UTC))
    waiting = filters.FlowRunFilterState(name=filters.FlowRunFilterStateName(any_=["Scheduled", "Late"]))
    with get_client(sync_client=True) as client:
        missed = client.read_flow_runs(flow_run_filter=filters.FlowRunFilter(expected_start_time=past, state=waiting))
        for run in missed:
            client.delete_flow_run(run.id)


def _timezone() -> str:
    """The machine's zone by its IANA name; UTC where it cannot be told."""
    return Path("/etc/localtime").resolve().as_posix().partition("zoneinfo/")[2] or "UTC"
