"""Colour, half-colour or Dubois: told from how the eyes' channels go together when laid on each other.

One channel (the odd one: red of red-cyan) belongs to one eye, two to the other. Matched on a small picture, they
give triples of values of the same point. In half-colour the odd channel is luma, so the other eye's channels explain
it well; Dubois' matrix makes it a mixture as well, leaves negative traces of the other eye, and clips many values
to 0 and 255; in plain colour it is a channel like the others.

A multinomial logistic regression on 20 such measures (`kind_weights.py`) says which. Right on real training pairs,
each rig left out of its own fit, chance being 33 %: 86 % of PNG, 72 % of JPEG 4:2:0 (q60 to q90). Green-magenta in
colour and in half-colour are the hardest (63-65 % and 58-74 %), because luma is mostly green; amber-blue is the
easiest. The stated confidence keeps its word: said over .9 (35 % of all) 97 % right, .7-.9 87 %, .5-.7 66 %, under
.5 41 %. `python tests/restereo/imaging/fit_kinds.py` measures this and writes the weights.
"""

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.geometry import warp
from restereo.imaging.kind_weights import CENTRE, SCALE, WEIGHTS
from restereo.imaging.matching import SHARED_DETAIL, match, shared_detail

Kind = Literal["color", "half", "dubois", "grey"]

ORDER: Final[tuple[Kind, Kind, Kind]] = ("color", "half", "dubois")
ODD: Final = {"red-cyan": 0, "green-magenta": 1, "amber-blue": 2}
"""The channel that is alone in its eye."""
WIDTH: Final = 320
LEAST_POINTS: Final = 200


def kind_of(anaglyph: NDArray[np.uint8], colors: str) -> tuple[Kind, float]:
    """Returns the kind of an anaglyph that has colour, and the probability in [0, 1] that this is right.

    Args:
        anaglyph: `(H, W, 3)` uint8.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Returns:
        `("color", 1/3)` where the eyes cannot be matched.

    Example:
        >>> kind_of(np.zeros((20, 30, 3), np.uint8), "red-cyan")
        ('color', 0.3333333333333333)
    """
    measures = measure(anaglyph, colors)
    if measures is None:
        return "color", 1 / 3
    standard = (measures - np.array(CENTRE[colors])) / np.array(SCALE[colors])
    scores = np.array(WEIGHTS[colors]) @ np.append(np.clip(standard, -4, 4), 1.0)
    shares = np.exp(scores - scores.max())
    best = int(shares.argmax())
    return ORDER[best], float(shares[best] / shares.sum())


def measure(anaglyph: NDArray[np.uint8], colors: str) -> NDArray[np.float64] | None:
    """Returns the 20 measures that the kind is told from, or None where the eyes cannot be matched.

    Three of detail finer than 2 px shared by the eyes; seven of explaining the odd channel by the other two;
    four of brightness and contrast against them; six of how much of each channel is 0 and 255.

    Args:
        anaglyph: `(H, W, 3)` uint8.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Example:
        >>> measure(np.zeros((20, 30, 3), np.uint8), "red-cyan") is None
        True
    """
    odd = ODD[colors]
    one, two = (channel for channel in range(3) if channel != odd)
    points = _matched(anaglyph, odd, one, two)
    if points is None or len(points) < LEAST_POINTS:
        return None
    whole = anaglyph.astype(np.float32)
    fine = shared_detail(whole[..., odd], (whole[..., one] + whole[..., two]) * np.float32(0.5))
    shared = abs(fine) > SHARED_DETAIL
    values = [fine, 0.0 if shared else min(fine, 0.0), float(shared)]
    o, a, b = (points[:, channel].astype(np.float64) for channel in (odd, one, two))
    design = np.stack([a, b, np.ones_like(a)], axis=1)
    slopes = np.linalg.lstsq(design, o, rcond=None)[0]
    rest = o - design @ slopes
    values += [slopes[0], slopes[1], _ratio(rest, o), np.log1p(np.median(np.abs(rest - np.median(rest))))]
    values += [_correlation(o, a), _correlation(o, b), _correlation(a, b)]
    values += [np.median(o - a) / 30, np.median(o - b) / 30, _ratio(o, a), _ratio(o, b)]
    flat = anaglyph.reshape(-1, 3)[:, [odd, one, two]]
    values += [*np.log(1e-3 + (flat <= 2).mean(axis=0)), *np.log(1e-3 + (flat >= 253).mean(axis=0))]
    return np.array(values, dtype=np.float64)


def _matched(anaglyph: NDArray[np.uint8], odd: int, one: int, two: int) -> NDArray[np.float32] | None:
    """Triples `(N, 3)` R, G, B of the points that both eyes see, from the picture reduced to 320 px."""
    height, width = anaglyph.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(anaglyph, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    other = small[..., 1] if odd != 1 else (small[..., one] + small[..., two]) * np.float32(0.5)
    found = match(small[..., odd], other)
    if found is None:
        return None
    maps, agree = found
    laid, inside = warp(small, maps[0], "left")
    laid[..., odd] = small[..., odd]
    points: NDArray[np.float32] = laid[agree[0] & inside]
    return points


def _ratio(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.log1p(one.std()) - np.log1p(two.std()))


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    spread = one.std() * two.std()
    return float(np.mean((one - one.mean()) * (two - two.mean())) / spread) if spread > 1e-6 else 0.0
