"""The report's sections as plain values, ready for the template: every figure is already text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pipelines.reporting import charts
from pipelines.reporting.comparison import Comparison
from pipelines.reporting.display import BASELINES, amount, capitalized, gain, metric, shown, variant_label
from pipelines.reporting.results import Figures, RecipeResults

WORST = 5


def results(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns a table for each kind of input: columns with their meaning, a row for each recipe and baseline."""
    columns, groups = _columns(comparison.metrics)
    tables = []
    for variant, figures in comparison.variants.items():
        best = {column["name"]: _best(column["name"], figures.values()) for column in columns}
        rows = []
        for what in [*comparison.recipes, *comparison.baselines]:
            if what not in figures:
                continue
            texts = [(column, shown(figures[what].get(column["name"]), column["name"])) for column in columns]
            cells = [
                {"text": text, "best": text == best[column["name"]], "starts": column["starts"]}
                for column, text in texts
            ]
            rows.append({**_named(what, comparison), "cells": cells})
        tables.append({"label": variant_label(variant), "groups": groups, "columns": columns, "rows": rows})
    return tables


def _columns(names: Sequence[str]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Returns a column for each metric, and the groups of neighbours that share a heading."""
    columns: list[dict[str, Any]] = []
    groups: list[dict[str, Any]] = []
    for name in names:
        column = {"name": name, **asdict(metric(name))}
        starts = not groups or groups[-1]["label"] != column["group"]
        if starts:
            groups.append({"label": column["group"], "span": 0})
        groups[-1]["span"] += 1
        columns.append({**column, "starts": starts})
    return columns, groups


def _best(name: str, figures: Iterable[Figures]) -> str | None:
    """Returns the best figure as it is shown, so that what reads the same is marked the same."""
    values = [value for row in figures if (value := row.get(name)) is not None]
    if not values or not metric(name).better:
        return None
    return shown(max(values) if metric(name).better > 0 else min(values), name)


def _named(what: str, comparison: Comparison) -> dict[str, Any]:
    shape, colour = comparison.look(what)
    known = BASELINES.get(what)
    return {
        "what": what,
        "recipe": what in comparison.recipes,
        "means": known[1] if known else "",
        "key": charts.key(shape, colour),
    }


def curves(found: Sequence[RecipeResults], comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the learning curves: loss and headline by step, a colour for each recipe, its best step marked."""
    headline = metric(comparison.headline)
    drawings = []
    unit = headline.unit or headline.label
    for column, name, y_label in (
        ("loss", "Loss", "loss (lower is better)"),
        ("headline", f"{headline.group} on validation scenes", f"{unit}{_arrow(headline.better)}"),
    ):
        lines = []
        for evidence in found:
            splits = dict.fromkeys(str(row.get("split") or "") for row in evidence.history)
            for split in splits:
                points = [
                    (step, value)
                    for row in evidence.history
                    if str(row.get("split") or "") == split
                    and isinstance(step := row.get("step"), float)
                    and isinstance(value := row.get(column), float)
                    and math.isfinite(value)
                ]
                if points:
                    colour = comparison.recipes.index(evidence.recipe)
                    dashed = split == "train" and len(splits) > 1
                    mark = evidence.metrics.get("best_step") if column == "headline" else None
                    name_of = f"{evidence.recipe}, {split}" if len(splits) > 1 else evidence.recipe
                    lines.append(charts.Line(name_of, points, colour, dashed, mark))
        if lines:
            told = f"{name} by training step of {', '.join(line.name for line in lines)}"
            svg = charts.line_chart(lines, title=told, x_label="step", y_label=y_label)
            legend = [{"name": x.name, "colour": f"c{x.colour % charts.COLOURS}", "dashed": x.dashed} for x in lines]
            drawings.append({"title": name, "svg": svg, "legend": legend})
    return drawings


def _arrow(better: int) -> str:
    return {1: " (higher is better)", -1: " (lower is better)"}.get(better, "")


def worst(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the scenes in which each recipe does worst: its headline beside the baselines', then the rest."""
    tables = []
    headline, here = comparison.headline, comparison.scenes.get(comparison.first, {})
    columns, groups = _columns([name for name in comparison.metrics if name != headline])
    own = {**asdict(metric(headline)), "starts": False}
    for recipe in comparison.recipes:
        scenes = here.get(recipe, {})
        sign = metric(headline).better or 1
        measured = [(sign * v, name) for name, f in scenes.items() if (v := f.get(headline)) is not None]
        whats = [recipe, *comparison.baselines]
        heads = [{**own, "label": what, "starts": i == 0} for i, what in enumerate(whats)]
        rows = []
        for _, scene in sorted(measured)[:WORST]:
            figures = {what: by_name[scene] for what, by_name in here.items() if scene in by_name}
            behind = [b for b in comparison.baselines if _behind(gain(recipe, b, figures, headline), headline)]
            cells = [(head, shown(figures.get(head["label"], {}).get(headline), headline)) for head in heads]
            cells += [(column, shown(scenes[scene].get(column["name"]), column["name"])) for column in columns]
            texts = [{"text": t, "starts": c["starts"], "own": c is heads[0]} for c, t in cells]
            rows.append({"scene": scene, "cells": texts, "behind": behind and f"behind {', '.join(behind)}"})
        if rows:
            name = {"label": f"{own['group']}, {own['label']}", "span": len(heads)}
            table = {"columns": [*heads, *columns], "groups": [name, *groups], "rows": rows}
            tables.append({"recipe": recipe, "total": len(measured), **table})
    return tables


def _behind(difference: float, headline: str) -> bool:
    """Returns whether a reader sees the difference: what rounds to the same figure is level."""
    return difference < 0 and bool(amount(difference, headline))


def suspects(comparison: Comparison) -> list[str]:
    """Returns a sentence for each scene whose eyes seem to show different scenes, by the best recipe's match."""
    best = comparison.recipes[0]
    return [
        f"{name} ({variant_label(variant)}): only {figures['match_share']:.0%} of the picture is matched; "
        "its eyes seem to show different scenes."
        for variant in comparison.variants
        for name, figures in comparison.scenes.get(variant, {}).get(best, {}).items()
        if figures.get("unrelated")
    ]


def by_scene(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns a dot chart for each kind of input: a row for each scene, the best recipe's worst scene first."""
    drawings = []
    sign, best = metric(comparison.headline).better or 1, comparison.recipes[0]
    for variant in comparison.variants:
        figures = comparison.headlines(variant)
        order = figures.get(best, {})
        names = sorted(order, key=lambda name: (order[name] is not None, sign * (order[name] or 0.0), name))
        rows = {name: {what: found.get(name) for what, found in figures.items()} for name in names}
        if chart := _dots(rows, comparison, "Scene"):
            drawings.append({"label": variant_label(variant), **chart})
    return drawings


def glance(comparison: Comparison) -> dict[str, Any] | None:
    """Returns a dot chart of the means: a row for each kind of input."""
    rows = {
        capitalized(variant_label(variant)): {what: f.get(comparison.headline) for what, f in figures.items()}
        for variant, figures in comparison.variants.items()
    }
    return _dots(rows, comparison, "Input")


def _dots(rows: Mapping[str, Mapping[str, float | None]], comparison: Comparison, of: str) -> dict[str, Any] | None:
    """Returns rows of dots on a common scale, None if there is not one figure."""
    headline, unit = comparison.headline, metric(comparison.headline).unit
    whats = [*comparison.baselines, *reversed(comparison.recipes)]
    values = [v for figures in rows.values() for what in whats if (v := figures.get(what)) is not None]
    if not any(math.isfinite(value) for value in values):
        return None
    low, high = charts.padded(values)
    grid, axis = charts.scale(low, high)
    drawn = []
    for name, figures in rows.items():
        known = [(what, v) for what in whats if (v := figures.get(what)) is not None]
        texts = {what: f"{what}: {shown(value, headline)} {unit}".strip() for what, value in known}
        dots = [charts.Dot(texts[what], value, *comparison.look(what)) for what, value in known]
        svg = charts.dot_row(dots, low, high, title=f"{name}: {', '.join(texts.values())}", grid=grid)
        drawn.append({"name": name, "svg": svg, "value": shown(figures.get(comparison.recipes[0]), headline)})
    legend = [_named(what, comparison) for what in [*comparison.recipes, *comparison.baselines]]
    return {"of": of, "rows": drawn, "axis": axis, "legend": legend}
