"""Small SVG charts as text: no library, no script. They stretch with the page, their text keeps its size.

Horizontal places are percentages and curves live in a nested, stretched SVG, so one drawing serves a phone
and a wide screen. Colours are the classes `c0` to `c5` of the page's style sheet.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Literal

COLOURS = 6
Shape = Literal["disc", "circle", "square", "diamond", "triangle"]

_OUTLINES: dict[Shape, str] = {
    "disc": "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
    "circle": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "square": "M-3.5-3.5h7v7h-7z",
    "diamond": "M0-5L5 0L0 5L-5 0z",
    "triangle": "M0-4.5L4.5 3.5h-9z",
}


@dataclass(frozen=True)
class Line:
    """One curve: its name, its points (x, y), its colour, dashed or not, and the x of a point to mark."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: int = 0
    dashed: bool = False
    mark: float | None = None


@dataclass(frozen=True)
class Dot:
    """One marker of a row: what a pointer resting on it reads, its place, its shape and its colour class."""

    name: str
    value: float
    shape: Shape = "disc"
    colour: str = "c0"


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Returns about `count` round numbers inside `[low, high]`, 1, 2 or 5 times a power of ten apart.

    Example:
        >>> ticks(0.0, 620.0)
        [0.0, 100.0, 200.0, 300.0, 400.0, 500.0, 600.0]
        >>> ticks(16.3, 21.9)
        [17.0, 18.0, 19.0, 20.0, 21.0]
        >>> ticks(3.0, 3.0)
        [3.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(step for f in (1, 2, 5, 10) if (step := f * power) >= rough * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) for i in range(first, last + 1)]


def padded(values: Sequence[float], share: float = 0.06) -> tuple[float, float]:
    """Returns a range a little wider than the finite values; `(0, 1)` if there are none.

    Example:
        >>> padded([10.0, 20.0], 0.1)
        (9.0, 21.0)
        >>> padded([5.0])
        (4.5, 5.5)
    """
    finite = [v for v in values if math.isfinite(v)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    margin = (high - low) * share or max(abs(high) * 0.1, 1e-6)
    return low - margin, high + margin


def number(value: float, step: float | None = None) -> str:
    """Returns a tick's label, with as many decimals as the distance between ticks needs.

    Example:
        >>> number(0.30000001, 0.1), number(1500.0, 500.0), number(2.0)
        ('0.3', '1,500', '2')
    """
    if step is None or step <= 0:
        return f"{value:,.6g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}"


def _labels(values: Sequence[float]) -> list[str]:
    step = min((b - a for a, b in pairwise(values)), default=None)
    return [number(value, step) for value in values]


def _share(value: float, low: float, high: float) -> float:
    return 100.0 * (value - low) / (high - low)


def line_chart(lines: Sequence[Line], *, title: str, x_label: str, y_label: str, height: int = 240) -> str:
    """Returns an SVG of curves with axes, ticks and a name for those who cannot see it.

    Points that are not finite are left out. The legend is HTML beside the chart: colours are given by `Line`.

    Example:
        >>> svg = line_chart([Line("a<b", [(0, 1.0), (10, 2.0)])], title="Loss", x_label="step", y_label="dB")
        >>> svg.startswith('<svg class="chart"'), "a&lt;b" in svg, svg.count("<polyline")
        (True, True, 1)
    """
    kept = [(line, [(x, y) for x, y in line.points if math.isfinite(x) and math.isfinite(y)]) for line in lines]
    left, right = padded([x for _, points in kept for x, _ in points], 0.0)
    low, high = padded([y for _, points in kept for _, y in points])
    parts = [f'<svg class="chart" role="img" height="{height}" aria-label="{escape(title)}">']
    y_ticks, x_ticks = ticks(low, high), ticks(left, right)
    for value, label in zip(y_ticks, _labels(y_ticks), strict=True):
        y = height * (1 - _share(value, low, high) / 100)
        parts.append(f'<line class="grid" x1="0" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick end" x="-8" y="{y:.1f}" dy=".35em">{label}</text>')
    for value, label in zip(x_ticks, _labels(x_ticks), strict=True):
        x = _share(value, left, right)
        parts.append(
            f'<line class="axis" x1="{x:.2f}%" x2="{x:.2f}%" y1="{height}" y2="{height + 4}"/>'
            f'<text class="tick mid" x="{x:.2f}%" y="{height}" dy="1.5em">{label}</text>'
        )
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{height}" y2="{height}"/>')
    parts.append('<svg width="100%" height="100%" viewBox="0 0 1000 1000" preserveAspectRatio="none">')
    for line, points in kept:
        path = " ".join(f"{10 * _share(x, left, right):.1f},{1000 - 10 * _share(y, low, high):.1f}" for x, y in points)
        dashed = " dashed" if line.dashed else ""
        parts.append(f'<polyline class="curve c{line.colour % COLOURS}{dashed}" points="{path}"/>')
    parts.append("</svg>")
    for line, points in kept:
        for x, y in points:
            marked = x == line.mark
            if not marked and len(points) > 40:  # so many that they would hide the curve
                continue
            place = f'cx="{_share(x, left, right):.2f}%" cy="{height * (1 - _share(y, low, high) / 100):.1f}"'
            reads = f"{escape(line.name)}: {y:,.4g} at {escape(x_label)} {number(x)}"
            look = " marked" if marked else ""
            look = f'class="point c{line.colour % COLOURS}{look}" r="{5 if marked else 2.5}"'
            parts.append(f"<circle {look} {place}><title>{reads}</title></circle>")
    parts.append(f'<text class="label" x="-8" y="-14">{escape(y_label)}</text>')
    parts.append(f'<text class="label end" x="100%" y="{height}" dy="3em">{escape(x_label)}</text></svg>')
    return "".join(parts)


def marker(shape: Shape, colour: str, x: str = "50%", name: str = "") -> str:
    """Returns one marker at a horizontal place of a row 20 px high; resting on it shows the name.

    Example:
        >>> marker("square", "c1", "25%", "grey").startswith('<svg class="dot c1" x="25%" y="10"')
        True
    """
    title = f"<title>{escape(name)}</title>" if name else ""
    open_shape = "" if shape == "disc" else ' class="open"'
    path = f'<path{open_shape} d="{_OUTLINES[shape]}">{title}</path>'
    return f'<svg class="dot {colour}" x="{x}" y="10" overflow="visible">{path}</svg>'


def key(shape: Shape, colour: str) -> str:
    """Returns a marker to stand in a line of text: the legend's key.

    Example:
        >>> key("disc", "c0").startswith('<svg class="key"')
        True
    """
    return f'<svg class="key" width="12" height="20" aria-hidden="true">{marker(shape, colour)}</svg>'


def dot_row(dots: Sequence[Dot], low: float, high: float, *, title: str, grid: Sequence[float] = ()) -> str:
    """Returns one row of a dot chart: markers on a common scale from `low` to `high`; not finite = left out.

    Example:
        >>> row = dot_row([Dot("unet: 21.0 dB", 21.0), Dot("gone", float("nan"))], 10.0, 30.0, title="Cones")
        >>> row.count("<path"), 'x="55.00%"' in row
        (1, True)
    """
    parts = [f'<svg class="row" role="img" height="20" aria-label="{escape(title)}">']
    for value in grid:
        x = f"{_share(value, low, high):.2f}%"
        parts.append(f'<line class="grid" x1="{x}" x2="{x}" y1="-4" y2="24"/>')
    shown = [dot for dot in dots if math.isfinite(dot.value)]
    if len(shown) > 1:
        ends = [_share(v, low, high) for v in (min(d.value for d in shown), max(d.value for d in shown))]
        parts.append(f'<line class="span" x1="{ends[0]:.2f}%" x2="{ends[1]:.2f}%" y1="10" y2="10"/>')
    parts.extend(marker(d.shape, d.colour, f"{_share(d.value, low, high):.2f}%", d.name) for d in shown)
    return "".join(parts) + "</svg>"


def scale(low: float, high: float) -> tuple[list[float], str]:
    """Returns the grid's values and the row of tick labels that belongs under rows of dots.

    Example:
        >>> values, row = scale(10.0, 30.0)
        >>> values, row.count("<text")
        ([10.0, 15.0, 20.0, 25.0, 30.0], 5)
    """
    values = ticks(low, high, 4)
    parts = ['<svg class="row" height="20" aria-hidden="true">']
    for value, label in zip(values, _labels(values), strict=True):
        x = _share(value, low, high)
        parts.append(f'<text class="tick mid" x="{x:.2f}%" y="10" dy=".35em">{label}</text>')
    return values, "".join(parts) + "</svg>"
