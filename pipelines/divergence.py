"""How far two samples are apart, and whether by chance: population stability, Kolmogorov-Smirnov, chi-square."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Values = Sequence[float] | Sequence[str]
"""Numbers, or names."""
Counts = NDArray[np.float64]
BINS = 10


def stability(expected: Values, seen: Values) -> float:
    """Returns the population stability index, ≥ 0, of two samples of numbers or of names.

    Σ (q − p)·ln(q / p) over bins that hold a tenth of the expected values each, or over names. Half a value is
    added to every bin, so that an empty one does not make it infinite.

    Example:
        >>> round(stability([*range(100)], [*range(100)]), 3), round(stability([*range(100)], [*range(50, 150)]), 1)
        (0.0, 2.3)
        >>> round(stability(["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20), 2)
        0.41
    """
    before, now = counts(expected, seen)
    p, q = ((row + 0.5) / (row + 0.5).sum() for row in (before, now))
    return float(((q - p) * np.log(q / p)).sum())


def counts(expected: Values, seen: Values) -> tuple[Counts, Counts]:
    """Returns how many values of each sample fall into each bin; bins hold a tenth of the expected values, or a name.

    Example:
        >>> counts(["a", "b"], ["b", "b"])
        (array([1., 1.]), array([0., 2.]))
    """
    if isinstance(expected[0], str):
        names = sorted({*map(str, expected), *map(str, seen)})
        before, now = (np.array([list(one).count(name) for name in names], np.float64) for one in (expected, seen))
        return before, now
    quantiles = np.quantile(np.asarray(expected, np.float64), np.linspace(0, 1, BINS + 1)[1:-1])
    edges, times = np.unique(quantiles, return_counts=True)
    # A value that many share, such as the size of one camera's pictures, has a bin of its own.
    edges = np.unique(np.concatenate([edges, np.nextafter(edges[times > 1], np.inf)]))
    rows = (
        np.bincount(np.searchsorted(edges, np.asarray(one, np.float64), side="right"), minlength=len(edges) + 1)
        for one in (expected, seen)
    )
    before, now = (row.astype(np.float64) for row in rows)
    return before, now


def kolmogorov_smirnov(expected: Values, seen: Values) -> tuple[float, float]:
    """Returns the largest distance of two samples' distribution functions, and its probability by chance.

    The probability is asymptotic with Stephens' correction (1970); scipy.stats takes seconds to
    import.

    Example:
        >>> kolmogorov_smirnov([1.0, 2.0], [3.0, 4.0])[0]
        1.0
    """
    from scipy.special import kolmogorov

    before, now = (np.sort(np.asarray(one, np.float64)) for one in (expected, seen))
    both = np.concatenate([before, now])
    shares = [np.searchsorted(one, both, side="right") / len(one) for one in (before, now)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    size = math.sqrt(len(before) * len(now) / len(both))
    return distance, float(kolmogorov((size + 0.12 + 0.11 / size) * distance))


def chi_square(before: Counts, now: Counts) -> float:
    """Returns the probability that two rows of counts differ so much by chance.

    Example:
        >>> chi_square(np.array([50.0, 50.0]), np.array([50.0, 50.0]))
        1.0
    """
    from scipy.special import chdtrc

    table = np.array([before, now])
    table = table[:, table.any(axis=0)]
    if table.shape[1] < 2:
        return 1.0
    by_chance = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return float(chdtrc(table.shape[1] - 1, ((table - by_chance) ** 2 / by_chance).sum()))
