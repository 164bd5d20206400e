"""Stage `report`: one self-contained HTML page on all recipes of a task that have been evaluated."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines import display, paths, results
from pipelines.display import Metric, metric, shown, variant_label
from pipelines.environment import run_stage
from pipelines.licences import CONDITIONS, ORDER, licence_class
from pipelines.reporting import charts, pictures
from pipelines.reporting.summary import scene_wins, verdict
from pipelines.results import Comparison, Figures, RecipeResults
from restereo.config import Params, load_params
from restereo.errors import UserError, nearest

COLOURS = 6
"""Classes `c0` to `c5` of the style sheet."""
WORST = 5
"""Scenes that the table of the worst cases shows of each recipe."""
NAMED = 3
"""Scenes that a doubt names, the worst first."""
SHAPES = {
    "identity": "circle",
    "grey": "square",
    "grey_copy": "square",
    "bicubic": "square",
    "sgbm": "diamond",
    "sgbm_blind": "diamond",
}
"""Baseline -> its marker; the others are triangles."""


@dataclass(frozen=True)
class Row:
    """A row of a table of figures: what it is of, and for each group of columns (figure as text, emphasised)."""

    name: str
    cells: list[list[tuple[str, bool]]]
    remark: str = ""


@dataclass(frozen=True)
class Table:
    """A table of figures; neighbouring columns of one group share a heading."""

    caption: str
    groups: list[tuple[str, list[Metric]]]
    rows: list[Row]


def main(task: str) -> None:
    """Writes `data/report/TASK.html`.

    Raises:
        UserError: There is no such task, none of its recipes has been evaluated, or a file is broken.
    """
    params = load_params()
    if task not in params.tasks:
        raise UserError(f"params.yaml: unknown task '{task}': {nearest(task, params.tasks)}.")
    names = [name for name, row in params.recipes.items() if row.task == task]
    found = [one for name in names if (one := results.read(task, name)) is not None]
    if not found:
        wanted = ", ".join(str(paths.metrics(task, name)) for name in names) or "a recipe in params.yaml"
        raise UserError(
            f"{paths.report(task)}: no recipe of task '{task}' has been evaluated; "
            f"run `dvc --wait-for-lock repro` to make {wanted}."
        )
    index = results.read_json(paths.pairs(task) / "index.json") or {}
    validation = results.read_json(paths.VALIDATION) or {}
    page = paths.report(task)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(task, params, found, index, validation), encoding="utf-8")
    print(page)


def render(
    task: str, params: Params, found: Sequence[RecipeResults], index: Mapping[str, Any], validation: Mapping[str, Any]
) -> str:
    """Returns the page's HTML; the same inputs give the same text.

    Args:
        task: A row of `tasks:`.
        params: The checked parameters.
        found: The results of its evaluated recipes, at least one.
        index: Content of the task's `index.json`, empty if there is none.
        validation: Content of `validation.json`, empty if there is none.
    """
    comparison = results.compare(found)
    ordered = sorted(found, key=lambda result: comparison.recipes.index(result.recipe))
    licences = {*index.get("licences", []), *(name for r in ordered for name in r.config.get("licences", []))}
    classes = sorted(((licence_class(name), name) for name in licences), key=lambda row: (-ORDER.index(row[0]), row[1]))
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "capitalized": display.capitalized,
        "duration": duration,
        "moment": moment,
        "settings": settings,
        "shown": shown,
        "variant_label": variant_label,
    }
    environment.globals |= {"BASELINES": display.BASELINES, "CONDITIONS": CONDITIONS, "unrecorded": "not recorded"}
    return environment.get_template("report.html").render(
        task=task,
        kind=params.kinds[task],
        comparison=comparison,
        results=ordered,
        headline=metric(comparison.headline),
        best=comparison.recipes[0],
        looks=_looks(comparison),
        verdict=verdict(comparison),
        wins=scene_wins(comparison),
        doubts=comparison.doubts + _unrelated(comparison),
        waiting=[n for n, row in params.recipes.items() if row.task == task and n not in comparison.recipes],
        metrics=[metric(name) for name in comparison.metrics],
        means=charts.means_chart(comparison),
        tables=_tables(comparison),
        curves=charts.learning_curves(ordered, comparison.headline),
        examples=pictures.examples(ordered, comparison, params.report.picture_height),
        worst=_worst(comparison),
        by_scene=charts.scene_charts(comparison),
        licences=classes,
        splits=index.get("splits", {}),
        validation=validation,
    )


def duration(seconds: float | None) -> str:
    """Returns a time in words that are easy to compare.

    Example:
        >>> duration(0.0021), duration(8.04), duration(200), duration(3900), duration(None)
        ('0.002 s', '8.0 s', '3 min 20 s', '1 h 05 min', 'not recorded')
    """
    if seconds is None:
        return "not recorded"
    if seconds < 1:
        return f"{seconds:.1g} s" if seconds < 0.1 else f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def moment(text: str | None) -> str:
    """Returns an ISO date and time to the minute; what is no date stays as it is.

    Example:
        >>> moment("2026-11-20T16:20:11+00:00"), moment(None), moment("long ago")
        ('2026-11-20 16:20 UTC', 'not recorded', 'long ago')
    """
    if not text:
        return "not recorded"
    try:
        return f"{datetime.fromisoformat(text).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return text


def settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Returns nested settings as sorted (dotted key, text) pairs.

    Example:
        >>> settings({"train": {"size": [96, 64]}, "seed": 0, "row": {}})
        [('row', '–'), ('seed', '0'), ('train.size', '96, 64')]
    """
    texts = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else "" if value in ({}, None) else str(value)
        for name, value in results.flatten(values).items()
    }
    return [(name, text or "–") for name, text in sorted(texts.items())]


def _looks(comparison: Comparison) -> dict[str, tuple[str, str]]:
    """Returns recipe or baseline -> marker and colour class: a filled disc, or an open grey shape."""
    recipes = {name: ("disc", f"c{i % COLOURS}") for i, name in enumerate(comparison.recipes)}
    return recipes | {name: (SHAPES.get(name, "triangle"), "baseline") for name in comparison.baselines}


def _groups(names: Iterable[str]) -> list[tuple[str, list[Metric]]]:
    """Returns the metrics as columns, neighbours of one group together."""
    grouped = itertools.groupby(map(metric, names), key=lambda column: column.group)
    return [(group, list(columns)) for group, columns in grouped]


def _tables(comparison: Comparison) -> list[Table]:
    """Returns a table for each kind of input, a row for each recipe and baseline; the best figures stand out."""
    groups, tables = _groups(comparison.metrics), []
    for variant, figures in comparison.variants.items():
        best = {name: _best(name, figures.values()) for name in comparison.metrics}
        whats = [what for what in [*comparison.recipes, *comparison.baselines] if what in figures]
        texts = {what: {name: shown(figures[what].get(name), name) for name in best} for what in whats}
        rows = [
            Row(
                what,
                [[(texts[what][c.name], texts[what][c.name] == best[c.name]) for c in group] for _, group in groups],
            )
            for what in whats
        ]
        tables.append(Table(display.capitalized(variant_label(variant)), groups, rows))
    return tables


def _best(name: str, figures: Iterable[Figures]) -> str | None:
    """Returns the best figure as it is shown, so that what reads the same is marked the same."""
    values = [value for row in figures if (value := row.get(name)) is not None]
    if not values or not metric(name).better:
        return None
    return shown(max(values) if metric(name).better > 0 else min(values), name)


def _worst(comparison: Comparison) -> list[Table]:
    """Returns a table for each recipe of the scenes in which it does worst: its headline beside the baselines'."""
    headline = metric(comparison.headline)
    scenes, tables = comparison.scenes.get(comparison.first, {}), []
    others = _groups(name for name in comparison.metrics if name != headline.name)
    for recipe in comparison.recipes:
        mine = scenes.get(recipe, {})
        figures = {scene: value for scene, row in mine.items() if (value := row.get(headline.name)) is not None}
        order = sorted(figures, key=lambda scene: ((headline.better or 1) * figures[scene], scene))[:WORST]
        whats = [recipe, *comparison.baselines]
        rows = []
        for scene in order:
            heads = {what: scenes.get(what, {}).get(scene, {}) for what in whats}
            behind = [
                other
                for other in comparison.baselines
                if (gain := display.gain(recipe, other, heads, headline.name)) < 0
                and display.amount(gain, headline.name)  # what rounds to the same figure is level
            ]
            cells = [[(shown(heads[what].get(headline.name), headline.name), what == recipe) for what in whats]]
            cells += [[(shown(mine[scene].get(c.name), c.name), False) for c in group] for _, group in others]
            rows.append(Row(scene, cells, f"behind {', '.join(behind)}" if behind else ""))
        if rows:
            caption = f"{recipe}: the {len(rows)} worst of {len(figures)} scenes, {variant_label(comparison.first)}"
            own = (f"{headline.group}, {headline.label}", [replace(headline, label=what) for what in whats])
            tables.append(Table(caption, [own, *others], rows))
    return tables


def _unrelated(comparison: Comparison) -> list[str]:
    """Returns a sentence for each kind of input with scenes whose eyes, by the best recipe's match, do not belong."""
    sentences = []
    for variant, whats in comparison.scenes.items():
        scenes = whats.get(comparison.recipes[0], {})
        shares = {name: figures["match_share"] or 0.0 for name, figures in scenes.items() if figures.get("unrelated")}
        worst = sorted(shares, key=lambda name: (shares[name], name))
        named = [f"{name} ({shares[name]:.0%})" for name in worst[:NAMED]]
        if len(worst) > NAMED:
            named.append(f"{len(worst) - NAMED} more")
        if named:
            label = display.capitalized(variant_label(variant))
            count = f"in {len(worst)} of {len(scenes)} scenes so little is matched"
            sentences.append(f"{label}: {count} that the eyes seem to show different scenes: {', '.join(named)}.")
    return sentences


if __name__ == "__main__":
    run_stage(main)
