"""The report's sections as plain values, ready for the template: every figure is already text."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines import charts
from pipelines.comparison import Comparison
from pipelines.embedding import Embedded
from pipelines.evidence import Evidence, Figures
from pipelines.glossary import BASELINES, called, gain, metric, shown, variant_label

VIEWS = {
    "observed": ("Input", "what goes in"),
    "prediction_left": ("Recovered, left eye", "what the network makes of it"),
    "truth_left": ("Truth, left eye", "what it should be"),
    "prediction_right": ("Recovered, right eye", "what the network makes of it"),
    "truth_right": ("Truth, right eye", "what it should be"),
}
_ROLES = {"best": "best scene", "median": "middle scene", "worst": "worst scene"}
WORST = 5


def results(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns a table for each kind of input: columns with their meaning, a row for each recipe and baseline."""
    names = comparison.metrics
    columns = [{"name": name, **metric(name).__dict__} for name in names]
    groups: list[dict[str, Any]] = []
    for column in columns:
        if not groups or groups[-1]["label"] != column["group"]:
            groups.append({"label": column["group"], "span": 0})
        groups[-1]["span"] += 1
    starts = {name for i, name in enumerate(names) if i == 0 or metric(names[i - 1]).group != metric(name).group}
    tables = []
    for variant, figures in comparison.variants.items():
        best = {name: _best(name, figures.values()) for name in names}
        rows = []
        for what in [*comparison.recipes, *comparison.baselines]:
            if what not in figures:
                continue
            texts = {name: shown(figures[what].get(name), name) for name in names}
            cells = [
                {"text": texts[name], "best": texts[name] == best[name], "starts": name in starts} for name in names
            ]
            rows.append({**_named(what, comparison), "cells": cells})
        tables.append(
            {"label": variant_label(variant), "groups": groups, "columns": columns, "rows": rows, "starts": starts}
        )
    return tables


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


def curves(found: Sequence[Evidence], comparison: Comparison) -> list[dict[str, Any]]:
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
                    lines.append(charts.Line(f"{evidence.recipe}, {split}", points, colour, dashed, mark))
        if lines:
            told = f"{name} by training step of {', '.join(line.name for line in lines)}"
            svg = charts.line_chart(lines, title=told, x_label="step", y_label=y_label)
            legend = [{"name": x.name, "colour": f"c{x.colour % charts.COLOURS}", "dashed": x.dashed} for x in lines]
            drawings.append({"title": name, "svg": svg, "legend": legend})
    return drawings


def _arrow(better: int) -> str:
    return {1: " (higher is better)", -1: " (lower is better)"}.get(better, "")


def picture_files(found: Sequence[Evidence]) -> list[Path]:
    """Returns every picture that the recipes' examples name."""
    return [
        evidence.folder / name
        for evidence in found
        for row in evidence.pictures
        for view, name in row["files"].items()
        if view in VIEWS
    ]


def examples(
    found: Sequence[Evidence], comparison: Comparison, embedded: Mapping[Path, Embedded]
) -> list[dict[str, Any]]:
    """Returns the example scenes of each recipe by kind of input: best, middle, worst."""
    groups = []
    roles = list(_ROLES)
    for evidence in sorted(found, key=lambda e: comparison.recipes.index(e.recipe)):
        for variant in comparison.variants:
            rows = [row for row in evidence.pictures if row["variant"] == variant]
            rows.sort(key=lambda row: roles.index(row["role"]) if row["role"] in roles else len(roles))
            scenes = [_example(evidence, comparison, row, embedded) for row in rows]
            if scenes:
                groups.append({"recipe": evidence.recipe, "label": variant_label(variant), "scenes": scenes})
    return groups


def _example(
    evidence: Evidence, comparison: Comparison, row: Mapping[str, Any], embedded: Mapping[Path, Embedded]
) -> dict[str, Any]:
    scene, folder = str(row["scene"]), evidence.folder
    views = [
        {
            "view": view,
            "label": label,
            "alt": f"{label} of scene {scene}: {means}",
            "picture": embedded[folder / row["files"][view]],
        }
        for view, (label, means) in VIEWS.items()
        if view in row["files"] and folder / row["files"][view] in embedded
    ]
    figures = comparison.scenes.get(row["variant"], {}).get(evidence.recipe, {}).get(scene, {})
    told = [
        f"{shown(figures[name], name)} {metric(name).unit} {metric(name).label}"
        for name in ("missing_psnr", "missing_psnr_visible", "missing_psnr_occluded")
        if figures.get(name) is not None
    ]
    value = row.get(comparison.headline)
    if not told and value is not None:
        told = [f"{shown(value, comparison.headline)} {metric(comparison.headline).unit}"]
    return {
        "scene": scene,
        "role": _ROLES.get(row["role"], str(row["role"])),
        "figures": told,
        "views": views,
        "missing": len(row["files"]) - len(views),
        "complete": {"observed", "prediction_left", "truth_left"} <= {view["view"] for view in views},
    }


def worst(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns the scenes in which each recipe does worst, with all figures there and the baselines' headline."""
    tables = []
    variant, headline = comparison.first, comparison.headline
    for recipe in comparison.recipes:
        scenes = comparison.scenes.get(variant, {}).get(recipe, {})
        sign = metric(headline).better or 1
        measured = [(sign * v, name) for name, f in scenes.items() if (v := f.get(headline)) is not None]
        rows = []
        for _, name in sorted(measured)[:WORST]:
            here = {what: by_name[name] for what, by_name in comparison.scenes[variant].items() if name in by_name}
            gaps = {b: gain(recipe, b, here, headline) for b in comparison.baselines}
            behind = [called(b) for b, gap in gaps.items() if gap < 0]
            rows.append(
                {
                    "scene": name,
                    "own": [shown(scenes[name].get(m), m) for m in comparison.metrics],
                    "others": [shown(here.get(b, {}).get(headline), headline) for b in comparison.baselines],
                    "behind": f"behind {' and '.join(behind)}" if behind else "",
                }
            )
        if rows:
            tables.append({"recipe": recipe, "rows": rows, "total": len(measured)})
    return tables


def by_scene(comparison: Comparison) -> list[dict[str, Any]]:
    """Returns a dot chart for each kind of input: a row for each scene, the best recipe's worst scene first."""
    drawings = []
    headline, unit = comparison.headline, metric(comparison.headline).unit
    whats = [*comparison.baselines, *reversed(comparison.recipes)]
    for variant in comparison.variants:
        figures = comparison.headlines(variant)
        order = figures.get(comparison.recipes[0], {})
        values = [v for what in whats for v in figures.get(what, {}).values() if v is not None]
        if not order or not values:
            continue
        low, high = charts.padded(values)
        grid, axis = charts.scale(low, high, unit)
        sign = metric(headline).better or 1
        rows = []
        for scene in sorted(order, key=lambda name: (order[name] is not None, sign * (order[name] or 0.0), name)):
            known = [(w, v) for w in whats if (v := figures.get(w, {}).get(scene)) is not None]
            texts = {what: f"{what}: {shown(value, headline)} {unit}".strip() for what, value in known}
            dots = [charts.Dot(texts[what], value, *comparison.look(what)) for what, value in known]
            told = f"{scene}: {', '.join(texts.values())}"
            svg = charts.dot_row(dots, low, high, title=told, grid=grid)
            rows.append({"scene": scene, "svg": svg, "value": shown(order[scene], headline)})
        legend = [_named(what, comparison) for what in [*comparison.recipes, *comparison.baselines]]
        drawings.append({"label": variant_label(variant), "rows": rows, "axis": axis, "legend": legend})
    return drawings
