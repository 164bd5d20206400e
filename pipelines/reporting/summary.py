"""The table that a run ends with: recipes and baselines by metrics, from what stage `evaluate` wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipelines import paths
from pipelines.reporting import results
from pipelines.reporting.display import BASELINES, ranked, shown
from pipelines.reporting.results import RecipeResults, compare
from restereo.config import Params
from restereo.errors import UserError, nearest

if TYPE_CHECKING:
    from rich.table import Table

SPARE = {"psnr", "ssim", "ssim_left", "ssim_right"}
"""What a narrow terminal can do without: SSIM hardly sees colour, `psnr` is the mean of two other columns."""


@dataclass(frozen=True)
class Summary:
    """One task's results.

    Attributes:
        task: Row of `tasks:`.
        columns: Metric and variant of the input of each figure.
        rows: Recipe or baseline -> its figures as text, best headline first.
    """

    task: str
    columns: tuple[tuple[str, str], ...]
    rows: Mapping[str, tuple[str, ...]]


def summarise(task: str, found: Sequence[RecipeResults]) -> Summary:
    """Returns the figures of one task's recipes, best headline first; baselines, measured beside each, appear once.

    The headline is given for each variant of the input, the other metrics for the first variant.
    """
    comparison = compare(found)
    headline, variants, first = comparison.headline, comparison.variants, comparison.first
    columns = [(headline, variant) for variant in variants]
    columns += [(name, first) for name in comparison.metrics if name != headline]
    columns = [c for c in columns if any(f.get(c[0]) is not None for f in variants[c[1]].values())]
    whats = [*comparison.recipes, *comparison.baselines]
    order = ranked(whats, variants[first], headline)
    order += [what for what in whats if what not in order]
    return Summary(
        task,
        tuple(columns),
        {what: tuple(shown(variants[v].get(what, {}).get(name), name) for name, v in columns) for what in order},
    )


def read(params: Params, patterns: Sequence[str] = ()) -> list[Summary]:
    """Returns the results of these rows, or of every task that has a report here.

    Figures of released recipes come with the code; without patterns they are left out, because nothing ran.

    Args:
        params: The checked parameters.
        patterns: Names of tasks or recipes, with `*` as the shell has it. A task brings all its recipes, a recipe
            only itself.

    Raises:
        UserError: A pattern matches no row, or no result of a row that it matches is there yet.
    """
    recipes = {name: row.task for name, row in params.recipes.items()}
    chosen = {name for name, task in recipes.items() if not patterns and paths.report(task).is_file()}
    for pattern in patterns:
        tasks = {task for task in params.tasks if fnmatchcase(task, pattern)}
        matched = {name for name, task in recipes.items() if task in tasks or fnmatchcase(name, pattern)}
        if not tasks and not matched:
            raise UserError(f"params.yaml: unknown task '{pattern}': {nearest(pattern, [*params.tasks, *recipes])}.")
        if not any(paths.metrics(recipes[name], name).is_file() for name in matched):
            raise UserError(f"{paths.EVALUATION}: '{pattern}' has no result yet; run `make run`.")
        chosen |= matched
    summaries = []
    for task in params.tasks:
        names = [name for name, of in recipes.items() if of == task and name in chosen]
        found = [result for name in names if (result := results.read(task, name)) is not None]
        summaries += [summarise(task, found)] if found else []
    return summaries


def table(summary: Summary, width: int) -> "Table":
    """Returns the figures as a table of at most `width` characters; recipes are bold, baselines plain.

    Where not all columns fit, the rightmost go, and first those in `SPARE`.
    """
    from rich import box
    from rich.table import Table

    heads = ["\n".join([*metric.split("_"), variant]) for metric, variant in summary.columns]
    order = sorted(range(len(heads)), key=lambda i: summary.columns[i][0] in SPARE)
    left, kept = width - 2 - max(map(len, summary.rows)), []
    for i in order:
        cells = [*heads[i].split("\n"), *(figures[i] for figures in summary.rows.values())]
        left -= 2 + max(map(len, cells))
        if left < 0:
            break
        kept.append(i)
    drawn = Table(title=summary.task, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    drawn.padding = (0, 1, 0, 0)
    drawn.add_column("", no_wrap=True)
    for i in sorted(kept):
        drawn.add_column(heads[i], justify="right", vertical="bottom", no_wrap=True)
    for what, figures in summary.rows.items():
        drawn.add_row(what, *(figures[i] for i in sorted(kept)), style="" if what in BASELINES else "bold")
    return drawn


def markdown(summary: Summary) -> str:
    """Returns the figures as a Markdown table.

    Example:
        >>> print(markdown(Summary("anaglyph", (("epe", "clean"),), {"sgbm": ("2.50",), "grey": ("–",)})))
        |  | epe (clean) |
        |---|---:|
        | sgbm | 2.50 |
        | grey | – |
    """
    heads = [f"{metric.replace('_', ' ')} ({variant})" for metric, variant in summary.columns]
    lines = [["", *heads], *([what, *figures] for what, figures in summary.rows.items())]
    drawn = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([drawn[0], "|---|" + "---:|" * len(heads), *drawn[1:]])
