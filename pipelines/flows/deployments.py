"""Serves the flows to a Prefect server, by a schedule or from its page."""

from datetime import UTC, datetime
from pathlib import Path

from prefect import serve as serve_all
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateName,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.schedules import CronSchedule
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.states import Crashed
from prefect.types.entrypoint import EntrypointType

from pipelines.flows.pipeline import pipeline
from pipelines.flows.retraining import retrain
from pipelines.flows.ui import FLOW, RETRAIN
from restereo.errors import UserError


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
    with get_client(sync_client=True) as client:
        drop_missed(client)
        mark_crashed(client)
    module = EntrypointType.MODULE_PATH
    schedule = Cron(cron, timezone=_timezone()) if cron else None
    serve_all(
        RunnerDeployment.from_flow(pipeline, FLOW, entrypoint_type=module),
        RunnerDeployment.from_flow(retrain, RETRAIN, schedule=schedule, entrypoint_type=module),
        limit=1,
        pause_on_shutdown=False,
        print_starting_message=False,
    )


def drop_missed(client: SyncPrefectClient) -> None:
    """Deletes scheduled runs whose time has passed."""
    past = FlowRunFilterExpectedStartTime(before_=datetime.now(UTC))
    waiting = FlowRunFilterState(name=FlowRunFilterStateName(any_=["Scheduled", "Late"]))
    for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(expected_start_time=past, state=waiting)):
        client.delete_flow_run(run.id)


def mark_crashed(client: SyncPrefectClient) -> None:
    """Marks stale runs `Crashed`: those that Prefect calls running though what ran them ended with the pages.

    To be called before the flows are served here: what serves them has started nothing yet.
    """
    running = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.RUNNING])))
    ours = DeploymentFilter(name=DeploymentFilterName(any_=[FLOW, RETRAIN]))
    message = "The pages were closed while it ran. Run it again: it goes on from the last checkpoint."
    for run in client.read_flow_runs(flow_run_filter=running, deployment_filter=ours):
        client.set_flow_run_state(run.id, Crashed(message=message), force=True)
        print(f"{run.name}: Prefect called this run running, but it had ended with the pages; now it is 'Crashed'.")


def _timezone() -> str:
    """The machine's zone by its IANA name; UTC where it is unknown."""
    return Path("/etc/localtime").resolve().as_posix().partition("zoneinfo/")[2] or "UTC"
