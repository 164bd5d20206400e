"""The table that a run ends with: recipes and baselines by metrics, from what stage `evaluate` wrote."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pipelines import paths
from pipelines.reporting.display import BASELINES, METRICS, ranked, shown
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


def summarise(task: str, results: Sequence[Mapping[str, Any]]) -> Summary:
    """Returns the figures of one task's recipes (the content of each one's metrics file), best headline first.

    The headline is given for each variant of the input, the other metrics for the first variant. Baselines were
    measured beside every recipe on the same scenes; they appear once.

    Example:
        >>> figures = {"unet": {"missing_psnr": 21.5, "epe": None}, "grey": {"missing_psnr": 16.0, "epe": None}}
        >>> found = summarise("anaglyph", [{"headline": "missing_psnr", "variants": {"clean": figures}}])
        >>> found.columns, found.rows
        ((('missing_psnr', 'clean'),), {'unet': ('21.5',), 'grey': ('16.0',)})
    """
    headline = results[0]["headline"]
    variants: dict[str, dict[str, dict[str, float | None]]] = {}
    for result in results:
        for variant, whats in result["variants"].items():
            variants.setdefault(variant, {}).update(whats)
    first = next(iter(variants))
    found = {name for whats in variants.values() for figures in whats.values() for name in figures}
    known = [name for name in METRICS if name in found] + sorted(found - set(METRICS))
    columns = [(headline, variant) for variant in variants]
    columns += [(name, first) for name in known if name != headline]
    columns = [c for c in columns if any(f.get(c[0]) is not None for f in variants[c[1]].values())]
    whats = [*variants[first]]
    order = ranked(whats, variants[first], headline)
    return Summary(
        task,
        tuple(columns),
        {
            what: tuple(shown(variants[v].get(what, {}).get(name), name) for name, v in columns)
            for what in [*order, *(what for what in whats if what not in order)]
        },
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
    files = {name: paths.metrics(task, name) for name, task in recipes.items() if name in chosen}
    results = {name: json.loads(file.read_text(encoding="utf-8")) for name, file in files.items() if file.is_file()}
    found = ((task, [result for name, result in results.items() if recipes[name] == task]) for task in params.tasks)
    return [summarise(task, of_task) for task, of_task in found if of_task]


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
