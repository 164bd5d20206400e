"""Runs that Prefect's page calls running though nothing runs them any more: their pages were closed meanwhile."""

from collections.abc import Sequence

from pipelines.prefect_api import ask

MESSAGE = "The pages were closed while it ran. Run it again: it goes on from the last checkpoint."


def lay(api: str, flows: Sequence[str]) -> list[str]:
    """Returns the names of the runs that were called running, after calling them crashed.

    To be called before the flows are served: what runs them has started nothing yet.

    Args:
        api: Address of Prefect's server.
        flows: Names of the deployments that are served here, and here alone.
    """
    wanted = {"deployments": {"name": {"any_": [*flows]}}, "flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}}
    runs = ask(f"{api}/flow_runs/filter", wanted)
    for run in runs:
        ask(f"{api}/flow_runs/{run['id']}/set_state", {"state": {"type": "CRASHED", "message": MESSAGE}, "force": True})
    return [run["name"] for run in runs]
