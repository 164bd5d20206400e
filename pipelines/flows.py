"""The Prefect flows, derived from the DVC graph, and how they are served. `errands.py` runs what they name.

No stage is named here: a stage added to `dvc.yaml` is a task of the next run. DVC alone decides what is stale.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from prefect import flow
from prefect import serve as serve_all
from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas import filters
from prefect.client.schemas.objects import State
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.states import Completed, Failed
from prefect.types.entrypoint import EntrypointType

from pipelines import drift, graph, notice, paths, retraining, watch
from pipelines.errands import Errands, attempt, run_program, verdict_of
from pipelines.ui import FLOW, RETRAIN
from restereo.config import Params, load_params
from restereo.errors import UserError


def _read(targets: str) -> tuple[Params | None, graph.Graph]:
    params = load_params() if Path("params.yaml").exists() else None
    return params, graph.select(graph.read(), targets)


@flow(
    name=FLOW,
    flow_run_name="{targets}",
    description="The stages of `dvc.yaml` that the targets name, with what they need. Unchanged ones end Cached.",
)
def pipeline(targets: str = graph.TARGETS, force: bool = False, at_once: int = 1) -> State[Any]:
    """Runs stages in the order of the DVC graph.

    Args:
        targets: Globs of stage names, separated by blanks. What they need runs first; `*` is everything.
        force: Run also what has not changed.
        at_once: How many stages may run side by side. Each of them uses all cores.
    """
    try:
        params, wanted = _read(targets)
    except UserError as error:
        return Failed(message=str(error))
    with Errands(at_once) as errands:
        errands.stages(wanted, wanted.stages if force else ())
        states = errands.wait()
    verdict = verdict_of(states)
    if verdict.is_completed():
        _show(params, [], states, None, "summary", verdict)
    return verdict


@flow(
    name=RETRAIN,
    flow_run_name="{targets}",
    description="Brings in new pictures, runs what is stale, lets the challenger challenge, tells the outcome.",
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
        retraining.check_wish(statistics, only_drifted)
        params, wanted = _read(targets)
        if share:
            retraining.set_remote()
    except UserError as error:
        failed: State[Any] = Failed(message=str(error))
        told = attempt(partial(_tell, failed, []))  # a hook that does not answer must not hide why nothing ran
        return failed if told.is_completed() else Failed(message=f"{error}\n{told.message}")
    tasks = retraining.tasks_of(params, wanted.stages) if params else []
    fresh: dict[str, str] = {}
    report: drift.Report | None = None

    def look() -> str:
        fresh.update(watch.look(params, wanted.stages) if params else {})
        return f"New pictures: {', '.join(fresh)}." if fresh else "No new pictures."

    def compare() -> str:
        nonlocal report
        report = retraining.drifted(Path(statistics), params, tasks) if params else None
        return report.sentence if report else "No training here yet to compare with."

    with Errands(at_once) as errands:
        errands.submit("watch", partial(attempt, look))
        if share:
            command = [*graph.DVC, "pull", "--run-cache", "--allow-missing"]
            errands.submit("pull", run_program, "pull", command, errands.crew, True)
        if statistics:
            errands.submit("drift", partial(attempt, compare), after=["pull"] if share else [])
        states = errands.wait()
        wanting = not only_drifted or report is None or bool(report.drifted)
        if wanting and verdict_of(states).is_completed():
            errands.stages(wanted, [watch.stage(source) for source in fresh])
            states = errands.wait()
            watch.remember({name: seen for name, seen in fresh.items() if states[watch.stage(name)].is_completed()})
        if wanting and verdict_of(states).is_completed():
            for one in tasks:
                paths.decision(one).parent.mkdir(parents=True, exist_ok=True)
                name, command = f"decide@{one}", retraining.decide_command(one, promote)
                errands.submit(name, run_program, name, command, errands.crew)
            if share:
                errands.submit("push", run_program, "push", [*graph.DVC, "push", "--run-cache"], errands.crew, True)
            states = errands.wait()
        verdict, decided = verdict_of(states, wanted.stages), tasks if wanting else []
        if not wanting and verdict.is_completed():
            verdict = Completed(message="Nothing has drifted: nothing was retrained.")
        errands.submit("notify", partial(attempt, partial(_tell, verdict, decided, report)))
        states = errands.wait()
    if not verdict_of(states).is_completed():
        verdict = verdict_of(states, wanted.stages)
    _show(params, decided, states, base, "retraining", verdict, report)
    return verdict


def _tell(verdict: State[Any], tasks: Iterable[str], report: drift.Report | None = None) -> str:
    done = verdict.is_completed()
    said = [retraining.headline(one) for one in tasks] if done else []
    seen = report.sentence if report else ""
    words = [f"Retraining {'done' if done else 'failed'}: {verdict.message}", *filter(None, [seen, *said])]
    return f"Told: {notice.tell(' '.join(words))}."


def _show(
    params: Params | None,
    tasks: list[str],
    states: Mapping[str, State[Any]],
    base: str | None,
    key: str,
    verdict: State[Any],
    report: drift.Report | None = None,
) -> None:
    """Leaves the page of a run on Prefect's, and that of a retraining in a file for whoever posts it."""
    ended = {name: str(state.name) for name, state in states.items()}
    page = retraining.page(params, tasks, ended, base, report)
    if key == "retraining":
        paths.RETRAINING.parent.mkdir(parents=True, exist_ok=True)
        paths.RETRAINING.write_text(f"**{verdict.message}**\n\n{page}\n", encoding="utf-8")
    create_markdown_artifact(page, key=key, description=verdict.message)


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
    """Serves both flows to the server that `PREFECT_API_URL` names until stopped: one run at a time, others queue.

    Schedules made on the page stay from one start to the next. A run missed in between is not made up for.

    Args:
        cron: Retrain at these times (local time), e.g. `0 3 * * *`; replaces the schedules there are.
    """
    _drop_missed()
    kind = EntrypointType.MODULE_PATH
    schedule = Cron(cron, timezone=_timezone()) if cron else None
    serve_all(
        RunnerDeployment.from_flow(pipeline, FLOW, entrypoint_type=kind),
        RunnerDeployment.from_flow(retrain, RETRAIN, schedule=schedule, entrypoint_type=kind),
        limit=1,
        pause_on_shutdown=False,
        print_starting_message=False,
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
