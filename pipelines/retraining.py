"""What a retraining leaves to read: decisions, figures, what changed, and one sentence for everybody."""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pipelines import drift, graph, paths, summary
from restereo.config import Params
from restereo.errors import UserError

REMOTE = "RESTEREO_DVC_REMOTE"
RECOVERS = "anaglyph"
"""Kind of the tasks whose models `restereo recover` uses."""


def set_remote(root: Path = Path()) -> None:
    """Makes the address in `RESTEREO_DVC_REMOTE` DVC's default remote in this clone, for nobody else.

    Raises:
        UserError: It is not set, and the project names no remote either; or DVC refuses it.
    """
    if url := os.environ.get(REMOTE, ""):
        command = [*graph.DVC, "remote", "add", "--quiet", "--local", "--force", "--default", "shared", url]
    else:
        command = [*graph.DVC, "remote", "default"]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise UserError(f"{REMOTE}: DVC refuses it: {' '.join(answer.stderr.split()).removeprefix('ERROR: ')}")
    if not url and (not answer.stdout.strip() or "No default remote" in answer.stdout):
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


def check_wish(statistics: str, only_drifted: bool) -> None:
    """Raises `UserError` if a retraining hangs on drift, and nothing says what has drifted.

    Example:
        >>> check_wish("log.jsonl", only_drifted=True)
    """
    if only_drifted and not statistics:
        raise UserError("only-drifted: nothing says what has drifted; name the log of recovered pictures, statistics.")


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
    """Returns the sentence of the last decision on a task; nothing if there was none."""
    file = paths.decision(task)
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return lines[0].strip("*") if lines else ""


def page(
    params: Params | None,
    tasks: Sequence[str],
    states: Mapping[str, str],
    base: str | None,
    report: drift.Report | None = None,
) -> str:
    """Returns what a retraining shows: drift, what was decided and why, the figures, what changed, the stages.

    Args:
        params: The checked parameters; None in a project without `params.yaml`.
        tasks: Those that were decided on.
        states: How each stage ended.
        base: The git revision to compare the figures with; None leaves that out.
        report: What has drifted, if that was asked.
    """
    shifts = [f"## Drift\n\n{drift.markdown(report)}"] if report else []
    decided = [(task, paths.decision(task)) for task in tasks if paths.decision(task).is_file()]
    parts = shifts + [
        f"## {task}: the decision\n\n{file.read_text(encoding='utf-8').strip()}" for task, file in decided
    ]
    results = summary.read(params) if params and paths.EVALUATION.is_dir() else []
    parts += [f"## {one.task}\n\n{summary.markdown(one)}\n\nReport: `{paths.report(one.task)}`" for one in results]
    if base:
        parts.append(f"## Figures against {base}\n\n{metrics_diff(base)}")
    rows = [f"| {stage} | {state} |" for stage, state in states.items()]
    return "\n\n".join([*parts, "\n".join(["## Stages", "", "| stage | state |", "|---|---|", *rows])])


def metrics_diff(base: str, root: Path = Path()) -> str:
    """Returns `dvc metrics diff` against a git revision as a Markdown table, or why there is none."""
    if not (root / ".git").exists():
        return "No git here to compare with."
    command = [*graph.DVC, "metrics", "diff", "--md", base]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if answer.returncode:
        return f"`dvc metrics diff` says: {' '.join(answer.stderr.split()).removeprefix('ERROR: ')}"
    table = answer.stdout.strip()
    rows = table.splitlines()[2:]  # below the head, which is there in any case
    return f"<details>\n\n{table}\n\n</details>" if rows else "Nothing changed."
