"""Which channels of a picture show the same scene shifted along the row: the mark of an anaglyph.

Everything is on gradients along the row, `(H, W, 3)` float32, of a reduced picture.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Gradients = NDArray[np.float32]

PAIRS: Final = {"rg": (0, 1), "rb": (0, 2), "gb": (1, 2)}
PEAK: Final = 0.985
"""Correlation without shift, as a share of the best over all shifts, from which two channels lie on each other
(1,100 training photographs: 1.0; training anaglyphs at most .97, but for `SIGNED`)."""
SIGNED: Final = 0.1
"""Least correlation of signed gradients of channels that lie on each other (photographs: .23 and more; Dubois'
negative cross terms can leave the other eye's edges in place: -.24 and less)."""
WINDOW: Final = 25
REACH: Final = 8
"""Shifts of up to an eighth of the width are tried in a window."""
MOVED_SHARE: Final = 0.04
"""Share of the texture that must stand shifted in windows (of 250 training photographs all but one: at most .02)."""


def gradients(picture: NDArray[np.uint8], width: int, floor: float = 1.0) -> Gradients:
    """Returns horizontal Sobel gradients `(h, w, 3)` of the picture reduced to about `width` px, if it is wider.

    Args:
        picture: `(H, W, 3)` uint8.
        width: Width to reduce to; a side never falls under 40 px for it.
        floor: Least factor to reduce by.

    Example:
        >>> gradients(np.zeros((60, 900, 3), np.uint8), 500).shape
        (40, 600, 3)
    """
    height, wide = picture.shape[:2]
    factor = min(max(floor, wide / width), max(1.0, min(height, wide) / 40))
    size = max(1, round(wide / factor)), max(1, round(height / factor))
    small = cv2.resize(picture.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.Sobel(small, cv2.CV_32F, 1, 0, ksize=3), np.float32)


def correlation(one: Gradients, two: Gradients) -> float:
    """Returns the correlation in [-1, 1] of two arrays of one shape, 0.0 where one of them is flat.

    Example:
        >>> correlation(np.array([[1.0, 2.0, 4.0]]), np.array([[-1.0, -2.0, -4.0]]))
        -1.0
    """
    one, two = one - one.mean(), two - two.mean()
    power = float(np.sqrt(np.square(one).sum(dtype=np.float64) * np.square(two).sum(dtype=np.float64)))
    return float((one * two).sum(dtype=np.float64)) / power if power > 1e-3 * one.size else 0.0


def in_place(one: Gradients, two: Gradients) -> bool:
    """Returns whether two channels `(H, W)` correlate best, as a whole, without any shift along the row.

    True also where one of them is flat.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
        >>> in_place(noise, noise), in_place(noise, np.roll(noise, 4, axis=1))
        (True, False)
    """
    width = one.shape[1]
    reach = width // 5
    first, second = np.abs(one), np.abs(two)
    if min(first.std(), second.std()) < 0.1:
        return True

    def shifted(by: int) -> float:
        return correlation(first[:, max(0, by) : width + min(0, by)], second[:, max(0, -by) : width - max(0, by)])

    best = max(shifted(by) for by in range(-reach, reach + 1))
    return shifted(0) >= PEAK * best and correlation(one, two) >= SIGNED


def windows(edges: Gradients) -> tuple[str, float]:
    """Returns the pair of channels that gains least from shifting, and how much of the texture stands shifted.

    A look at windows of 25 px, for scenes of which only a part has parallax. Texture stands shifted where the
    third channel fits both of the pair clearly better at one common shift than in place.

    Example:
        >>> noise = np.random.default_rng(0).normal(0, 50, (60, 90)).astype(np.float32)
        >>> pair, share = windows(np.stack([noise, np.roll(noise, 4, axis=1), noise], axis=-1))
        >>> pair, share > 0.9
        ('rb', True)
    """
    magnitude = np.abs(edges)

    def local(x: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.blur(x, (WINDOW, WINDOW)), np.float32)

    mean = local(magnitude)
    variance = np.maximum(local(magnitude * magnitude) - mean * mean, 0)
    reach = max(1, edges.shape[1] // REACH)
    found = {}
    for key, (a, b) in PAIRS.items():
        best = np.full(edges.shape[:2], -1.0, np.float32)
        where = np.zeros(edges.shape[:2], np.int32)
        still = best
        for by in range(-reach, reach + 1):
            moved, its_mean, its_variance = (np.roll(x[..., b], by, axis=1) for x in (magnitude, mean, variance))
            covariance = local(magnitude[..., a] * moved) - mean[..., a] * its_mean
            score = np.minimum(covariance / np.sqrt(variance[..., a] * its_variance + 20.0), 1.0)
            still = score if by == 0 else still
            where = np.where(score > best, by, where)
            best = np.maximum(score, best)
        weight = np.sqrt(np.minimum(variance[..., a], variance[..., b]))
        weight[:, :reach] = weight[:, -reach:] = 0
        found[key] = best, where, still, weight
    gain = {k: float(((b - s) * w).sum() / (w.sum() + 1e-6)) for k, (b, _, s, w) in found.items()}
    pair = min(gain, key=lambda key: gain[key])
    first, second = (key for key in PAIRS if key != pair)
    sign = -1 if pair == "rb" else 1  # green against red is the mirrored shift of red against green
    shifted = np.abs(found[first][1] - sign * found[second][1]) <= 1
    for key in (first, second):
        best, where, still, _ = found[key]
        shifted &= (where != 0) & (best > 0.5) & (best - still > 0.1)
    shifted &= found[pair][0] - found[pair][2] < 0.05
    weight = np.minimum(found[first][3], found[second][3])
    return pair, float((weight * shifted).sum() / (weight.sum() + 1e-6))
