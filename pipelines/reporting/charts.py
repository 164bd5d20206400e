"""What the page's charts show before a template draws them: scales with round ticks, rows of dots, curves."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.display import capitalized, metric, shown, variant_label
from pipelines.results import Comparison, RecipeResults


@dataclass(frozen=True)
class Axis:
    """A scale from `low` to `high`, and its ticks with their labels."""

    low: float
    high: float
    ticks: list[tuple[float, str]]

    def percent(self, value: float) -> float:
        """Returns where a value lies between the ends, in percent."""
        return 100.0 * (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class DotChart:
    """Rows of dots on one scale.

    Attributes:
        of: What a row is.
        label: What the chart is of.
        rows: A row's name, the figure at its end as text, and (recipe or baseline, figure) from back to front.
    """

    of: str
    label: str
    axis: Axis
    rows: list[tuple[str, str, list[tuple[str, float]]]]


@dataclass(frozen=True)
class Curve:
    """One line: its recipe and name, its points (x, y), dashed or not, and the x of a point to mark."""

    recipe: str
    name: str
    points: list[tuple[float, float]]
    dashed: bool
    mark: float | None


@dataclass(frozen=True)
class LineChart:
    """Curves on common scales."""

    title: str
    y_label: str
    x: Axis
    y: Axis
    curves: list[Curve]


def axis(values: Iterable[float], count: int = 5, margin: float = 0.06) -> Axis:
    """Returns a scale a share of `margin` wider than the finite values, 0 to 1 if there are none.

    The ticks are about `count` round numbers, 1, 2 or 5 times a power of ten apart.

    Example:
        >>> axis([10.0, 20.0], margin=0.1).ticks
        [(10.0, '10'), (12.0, '12'), (14.0, '14'), (16.0, '16'), (18.0, '18'), (20.0, '20')]
        >>> axis([5.0], count=4).ticks
        [(4.6, '4.6'), (4.8, '4.8'), (5.0, '5.0'), (5.2, '5.2'), (5.4, '5.4')]
        >>> axis([]).percent(0.25)
        25.0
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    wider = (high - low) * margin if finite else 0.0
    if high <= low:
        wider = max(abs(high) * 0.1, 1e-6)
    low, high = low - wider, high + wider
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for factor in (1, 2, 5, 10) if (step := factor * power) >= rough * 0.8)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    places = [round(i * step, 12) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]
    return Axis(low, high, [(place, f"{place:,.{decimals}f}") for place in places])


def means_chart(comparison: Comparison) -> DotChart | None:
    """Returns the mean headline figures: a row for each kind of input; None if there is not one figure."""
    rows = {
        capitalized(variant_label(variant)): {what: row.get(comparison.headline) for what, row in figures.items()}
        for variant, figures in comparison.variants.items()
    }
    return _dot_chart("Input", "", rows, comparison)


def scene_charts(comparison: Comparison) -> list[DotChart]:
    """Returns a chart for each kind of input: a row for each scene, the best recipe's worst scene first."""
    sign, best = metric(comparison.headline).better or 1, comparison.recipes[0]
    charts = []
    for variant in comparison.variants:
        figures = comparison.headlines(variant)
        order = figures.get(best, {})
        names = sorted(order, key=lambda name: (order[name] is not None, sign * (order[name] or 0.0), name))
        rows = {name: {what: found.get(name) for what, found in figures.items()} for name in names}
        charts.append(_dot_chart("Scene", variant_label(variant), rows, comparison))
    return [chart for chart in charts if chart]


def _dot_chart(
    of: str, label: str, figures: Mapping[str, Mapping[str, float | None]], comparison: Comparison
) -> DotChart | None:
    back_to_front = [*comparison.baselines, *reversed(comparison.recipes)]
    rows = [
        (
            name,
            shown(row.get(comparison.recipes[0]), comparison.headline),
            [(what, v) for what in back_to_front if (v := row.get(what)) is not None and math.isfinite(v)],
        )
        for name, row in figures.items()
    ]
    values = [value for _, _, dots in rows for _, value in dots]
    return DotChart(of, label, axis(values, count=4), rows) if values else None


def learning_curves(results: Sequence[RecipeResults], headline: str) -> list[LineChart]:
    """Returns loss and headline by training step, a curve for each recipe and split, its best step marked."""
    shown_as = metric(headline)
    better = {1: " (higher is better)", -1: " (lower is better)"}.get(shown_as.better, "")
    labels = {
        "loss": ("Loss", "loss (lower is better)"),
        "headline": (f"{shown_as.group} on validation scenes", f"{shown_as.unit or shown_as.label}{better}"),
    }
    charts = []
    for column, (title, y_label) in labels.items():
        curves = [curve for result in results for curve in _curves(result, column)]
        if curves:
            x, y = zip(*(point for curve in curves for point in curve.points), strict=True)
            charts.append(LineChart(title, y_label, axis(x, margin=0.0), axis(y), curves))
    return charts


def _curves(result: RecipeResults, column: str) -> list[Curve]:
    points: dict[str, list[tuple[float, float]]] = {}
    for row in result.history:
        step, value = row.get("step"), row.get(column)
        if isinstance(step, float) and isinstance(value, float) and math.isfinite(value):
            points.setdefault(str(row.get("split") or ""), []).append((step, value))
    several = len({row.get("split") for row in result.history}) > 1
    mark = result.metrics.get("best_step") if column == "headline" else None
    return [
        Curve(
            result.recipe,
            f"{result.recipe}, {split}" if several else result.recipe,
            found,
            several and split == "train",
            mark,
        )
        for split, found in points.items()
    ]
