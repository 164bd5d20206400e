"""The Prefect flow that runs stages, derived from the DVC graph, and the page that a flow run leaves.

No stage is named here: a stage added to `dvc.yaml` is a task of the next run. DVC alone decides what is stale.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Failed

from pipelines import paths
from pipelines.display import markdown_table
from pipelines.environment import run_dvc
from pipelines.flows import graph
from pipelines.flows.task_runner import TaskRunner, final_state
from pipelines.flows.ui import FLOW
from pipelines.operations import drift
from pipelines.reporting import summary
from restereo.config import Params, load_params
from restereo.errors import UserError


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
        params, wanted = read_project(targets)
    except UserError as error:
        return Failed(message=str(error))
    with TaskRunner(at_once) as runner:
        runner.run_stages(wanted, wanted.stages if force else ())
        states = runner.wait()
    state = final_state(states)
    if state.is_completed():
        create_markdown_artifact(page(params, [], states), key="summary", description=state.message)
    return state


def read_project(targets: str) -> tuple[Params | None, graph.Graph]:
    """Returns the checked parameters, if the project has `params.yaml`, and the part of the graph to run."""
    params = load_params() if Path("params.yaml").exists() else None
    return params, graph.select(graph.read(), targets)


def page(
    params: Params | None,
    tasks: Sequence[str],
    states: Mapping[str, State[Any]],
    base: str = "",
    report: drift.Report | None = None,
) -> str:
    """Returns what a flow run shows, as Markdown: drift, what was decided, figures, what changed, the task runs.

    Args:
        params: The checked parameters; None in a project without `params.yaml`.
        tasks: Those that were decided on.
        states: How each task run ended.
        base: The git revision to compare the figures with, if any.
        report: What has drifted, if that was asked.
    """
    parts = [f"## Drift\n\n{drift.markdown(report)}"] if report else []
    decided = [(task, paths.decision(task)) for task in tasks if paths.decision(task).is_file()]
    parts += [f"## {task}: the decision\n\n{file.read_text(encoding='utf-8').strip()}" for task, file in decided]
    results = summary.read(params) if params and paths.EVALUATION.is_dir() else []
    parts += [f"## {one.task}\n\n{summary.markdown(one)}\n\nReport: `{paths.report(one.task)}`" for one in results]
    if base:
        parts.append(f"## Figures against {base}\n\n{metrics_diff(base)}")
    stages = markdown_table(["stage", "state"], *([name, state.name or ""] for name, state in states.items()))
    return "\n\n".join([*parts, f"## Stages\n\n{stages}"])


def metrics_diff(base: str) -> str:
    """Returns `dvc metrics diff` against a git revision as a Markdown table, or why there is none."""
    if not Path(".git").exists():
        return "No git here to compare with."
    table, error = run_dvc("metrics", "diff", "--md", base)
    if error:
        return f"`dvc metrics diff` says: {error}"
    rows = table.strip().splitlines()[2:]  # below the head, which is there in any case
    return f"<details>\n\n{table.strip()}\n\n</details>" if rows else "Nothing changed."
