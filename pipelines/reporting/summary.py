"""A task's results in brief: one sentence on the best recipe, and a table of recipes and baselines by metrics."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipelines import paths, results
from pipelines.display import BASELINES, amount, called, gain, markdown_table, metric, ranked, shown, variant_label
from pipelines.results import Comparison, RecipeResults, compare
from restereo.config import Params
from restereo.errors import UserError, nearest

if TYPE_CHECKING:
    from rich.table import Table

SPARE = {"psnr", "ssim", "ssim_left", "ssim_right"}
"""What a narrow terminal can do without: SSIM hardly sees colour, `psnr` is the mean of two other columns."""

PLAIN = ("grey", "grey_copy", "bicubic", "identity")
"""The baselines that need no method at all; the first that was measured is what the verdict compares with."""

_DOES = {"missing_psnr": "recovers the missing colours"}


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
    return markdown_table(["", *heads], *([what, *figures] for what, figures in summary.rows.items()))


def verdict(comparison: Comparison) -> str:
    """Returns one sentence on the best recipe: against the plainest baseline, the best one, and on other inputs."""
    headline, figures = comparison.headline, comparison.variants[comparison.first]
    order = ranked(comparison.recipes, figures, headline)
    if not order:
        return f"No recipe has a figure for {headline}, so there is nothing to compare."
    best, baselines = order[0], ranked(comparison.baselines, figures, headline)
    subject = f"{best}, the best of {len(order)} recipes," if len(order) > 1 else best
    count = len(comparison.scenes.get(comparison.first, {}).get(best, {}))
    where = f" on {count} test scene{'s' if count != 1 else ''}" if count else ""
    plain = next((name for name in (*PLAIN, *BASELINES) if name in baselines), None)
    if plain is None:
        value = f"{shown(figures[best][headline], headline)} {metric(headline).unit}".strip()
        return f"{subject} reaches {value}{where}; no baseline was measured beside it."
    difference = gain(best, plain, figures, headline)
    text = f"{subject} {_DOES.get(headline, 'does')} {_against(difference, plain, headline)}{where}"
    if amount(difference, headline) and count > 1 and _uncertain(comparison.differences(best, plain)):
        text += " (a difference that chance may explain)"
    return f"{text}{_rivals(best, plain, baselines, comparison)}{_elsewhere(best, baselines, comparison)}."


def scene_wins(comparison: Comparison) -> str:
    """Returns in how many scenes the best recipe beats each baseline, as a sentence; empty without baselines."""
    best = comparison.recipes[0]
    counts = [
        f"{called(other)} in {sum(difference > 0 for difference in found)} of {len(found)}"
        for other in comparison.baselines
        if (found := comparison.differences(best, other))
    ]
    return f"Scene by scene, {best} is ahead of {', of '.join(counts)}." if counts else ""


def _uncertain(differences: Sequence[float]) -> bool:
    """Returns whether the mean lies within two standard errors of nothing, so that chance may explain it."""
    if len(differences) < 2:
        return True
    return abs(statistics.fmean(differences)) < 2 * statistics.stdev(differences) / math.sqrt(len(differences))


def _against(difference: float, other: str, headline: str) -> str:
    size = amount(difference, headline)
    if not size:
        return f"no better than {called(other)}"
    return f"{size} {'better' if difference > 0 else 'worse'} than {called(other)}"


def _rivals(best: str, plain: str, baselines: Sequence[str], comparison: Comparison) -> str:
    """Returns every baseline that is ahead, or else how the best one compares, unless it is the plain one."""
    headline, figures = comparison.headline, comparison.variants[comparison.first]
    gains = {other: gain(best, other, figures, headline) for other in baselines if other != plain}
    ahead = {other: amount(difference, headline) for other, difference in gains.items() if difference < 0}
    sizes = [(called(other), size) for other, size in ahead.items() if size]
    if sizes:
        (name, size), *more = sizes
        return f"; {name} is still {size} ahead" + "".join(f", {name} {size}" for name, size in more)
    rival = baselines[0]
    if rival == plain:
        return ""
    if not amount(gains[rival], headline):
        return f", and is level with {called(rival)}"
    return f", and {_against(gains[rival], rival, headline)}, the best baseline"


def _elsewhere(best: str, baselines: Sequence[str], comparison: Comparison) -> str:
    """Returns the comparisons with a baseline that turn round on the inputs that do not decide."""
    headline, (first, *others) = comparison.headline, comparison.variants
    parts = []
    for variant in others:
        turned = []
        for other in baselines:
            here, there = (gain(best, other, comparison.variants[name], headline) for name in (first, variant))
            if here * there < 0 and amount(there, headline):
                turned.append(_against(there, other, headline))
        if turned:
            parts.append(f"; with {variant_label(variant)}, it is {' and '.join(turned)}")
    return "".join(parts)
