"""Which method explains an anaglyph of known colours: the colours of its points, as each method would have made them.

Both eyes are matched once, on a small picture. A point then gives three values: the odd channel (red of red-cyan)
where its own eye sees it, the other two where the other eye does. Each candidate turns them back into the colour that
it would have been made of. A wrong one gives itself away: half-colour's red, computed from a copied one, leaves the
range; Wimmer's red is a mixture of the other two to within noise, or is not; gammas tint what is grey.

What a method mixes into an eye from the other one is seen in the gradients: those of a channel are explained by
the other eye's at the matching place, and what is left must not follow the other eye's at the same place. Dubois'
negative weights do (about -.13 in red), methods without them do not (PNG: within .02; JPEG adds .1 of its own).

The measures of all candidates go into a multinomial logistic regression, whose weights are in `families.json`;
`python tests/restereo/imaging/fit_families.py` fits them and prints how often they are right.
"""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture
from restereo.imaging.anaglyph import decode, encode, eye_channels
from restereo.imaging.stereo import match, shared_detail, warp
from restereo.methods import METHODS, AnaglyphMethod

Floats = NDArray[np.float64]

ODD: Final = {"red-cyan": 0, "green-magenta": 1, "amber-blue": 2}
"""The channel that is alone in its eye."""
CANDIDATES: Final[dict[str, tuple[str, ...]]] = {
    "red-cyan": ("color", "half", "dubois", "wimmer", "wimmer-gamma", "stereoscopy", "rendepth", "gaia"),
    "green-magenta": ("color", "half", "dubois"),
    "amber-blue": ("color", "half", "dubois"),
}
"""Families that points are turned back by. All look different; `dubois` stands for its `-crt`, `-lcd` and `-alt`."""
WIDTH: Final = 240
"""Px of the picture that is matched."""
BLOCK: Final = 4
"""Px a side that are averaged, so that errors of matching and of JPEG hardly count."""
LEAST_BLOCKS: Final = 40
LEAST_SHIFT: Final = 1.5
"""Px of the small picture from which gradients tell the place of one eye from that of the other."""
LEAST_SHIFTED: Final = 150
MOST_GRADIENTS: Final = 20_000
TELLING_SIDE: Final = 1000
"""Px a side of the middle that finest detail and clipping are taken from."""


@dataclass(frozen=True)
class Matches:
    """What an anaglyph shows of points that both eyes see, values in [0, 1].

    Attributes:
        colors: `(N, 2, 3)`, means of blocks: R, G, B where the odd channel's eye sees a point, where the other does.
        gradients: `(M, 2, 3)` along the row, of single pixels that lie apart in the two eyes.
        share: Of the pixels that are matched.
        shift: Median distance in px of the small picture.
    """

    colors: Floats
    gradients: Floats
    share: float
    shift: float


def likely(anaglyph: Picture, colors: str) -> list[tuple[AnaglyphMethod, float]]:
    """Returns the methods that may have made an anaglyph of these colours, likeliest first, and their probabilities.

    Args:
        anaglyph: `(H, W, 3)` uint8 that holds colour.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Returns:
        Families that look alike are one, named by one of them. Where the eyes cannot be matched, all are as likely.

    Example:
        >>> likely(np.zeros((20, 30, 3), np.uint8), "green-magenta")[0][1]
        0.3333333333333333
    """
    fitted = _fitted()[colors]
    methods = [METHODS[f"{colors}-{family}"] for family in fitted["families"]]
    found = measures(anaglyph, colors)
    if found is None:
        return [(method, 1 / len(methods)) for method in methods]
    standard = np.clip((found - fitted["centre"]) / fitted["scale"], -3, 3)
    scores = fitted["weights"] @ np.append(standard, 1.0)
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    return [(methods[index], float(shares[index])) for index in np.argsort(-shares)]


@lru_cache(maxsize=1)
def _fitted() -> dict[str, dict[str, Any]]:
    """By colours: `families`, `centre` and `scale` of the measures, and a row of `weights` per family."""
    content = json.loads(Path(__file__).with_suffix(".json").read_text())
    arrays = ("centre", "scale", "weights")
    return {colors: one | {name: np.array(one[name]) for name in arrays} for colors, one in content.items()}


def measures(anaglyph: Picture, colors: str) -> Floats | None:
    """Returns what the family is told from, or None where the eyes cannot be matched.

    Twelve of the colours by each candidate, eight of what an eye has of the other, ten of the picture.

    Args:
        anaglyph: `(H, W, 3)` uint8.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Example:
        >>> measures(np.zeros((20, 30, 3), np.uint8), "red-cyan") is None
        True
    """
    odd = ODD[colors]
    found = _matches(anaglyph, odd)
    if found is None or len(found.colors) < LEAST_BLOCKS:
        return None
    values: list[float] = []
    for family in CANDIDATES[colors]:
        values += _colour_measures(*made_of(found.colors, METHODS[f"{colors}-{family}"], odd))
    values += _leaks(found.gradients, odd)
    height, width = anaglyph.shape[:2]
    top, left = max(0, height - TELLING_SIDE) // 2, max(0, width - TELLING_SIDE) // 2
    middle = anaglyph[top : top + TELLING_SIDE, left : left + TELLING_SIDE]
    order = [odd, *_others(odd)]
    flat = middle.reshape(-1, 3)[:, order]
    values += [*np.log(1e-3 + (flat <= 2).mean(axis=0)), *np.log(1e-3 + (flat >= 253).mean(axis=0))]
    whole = middle[..., order].astype(np.float32)
    fine = shared_detail(whole[..., 0], (whole[..., 1] + whole[..., 2]) * np.float32(0.5))
    return np.array([*values, fine, min(fine, 0.0), found.share, np.log1p(found.shift)])


def _others(odd: int) -> list[int]:
    return [channel for channel in range(3) if channel != odd]


def _matches(anaglyph: Picture, odd: int) -> Matches | None:
    height, width = anaglyph.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(anaglyph, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    one, two = _others(odd)
    found = match(small[..., odd], small[..., 1] if odd != 1 else (small[..., one] + small[..., two]) * np.float32(0.5))
    if found is None:
        return None
    maps, agree = found
    edges = np.asarray(cv2.Sobel(small, cv2.CV_32F, 1, 0, ksize=3), np.float32) / 8
    seen, inside = warp(np.concatenate([small, edges], axis=2), maps[0], "left")
    good = agree[0] & inside
    both = np.stack([small, seen[..., :3]], axis=2)
    rows, columns = (side // BLOCK for side in good.shape)
    cut = (slice(rows * BLOCK), slice(columns * BLOCK))
    count = good[cut].reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))
    kept = both[cut] * good[cut][..., None, None]
    sums = kept.reshape(rows, BLOCK, columns, BLOCK, 2, 3).sum(axis=(1, 3))
    full = count >= 0.6 * BLOCK**2
    blocks = sums[full] / count[full][:, None, None]
    inner = cv2.erode(good.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    shifts = np.abs(maps[0][inner])
    pairs = np.stack([edges, seen[..., 3:]], axis=2)[inner][shifts >= LEAST_SHIFT]
    pairs = pairs[:: 1 + len(pairs) // MOST_GRADIENTS]
    shift = float(np.median(shifts)) if len(shifts) else 0.0
    return Matches(blocks / 255.0, pairs / 255.0, float(good.mean()), shift)


def made_of(colors: Floats, method: AnaglyphMethod, odd: int) -> tuple[Floats, Floats | None]:
    """Returns the colours that a method would have made points of, and by how much these contradict it.

    Args:
        colors: `(N, 2, 3)`, as in `Matches`.
        method: The method.
        odd: The channel that is alone in its eye.

    Returns:
        `(N, 3)` encoded R, G, B, out of [0, 1] where the method cannot have made them, and `(N,)` the residual of the
        odd channel, None for methods that explain any three values.

    Example:
        >>> points = np.array([[[0.5, 0.1, 0.1], [0.2, 0.4, 0.3]]])  # red is .5; where the other eye is, green .4
        >>> made_of(points, METHODS["red-cyan-color"], 0)[0].tolist()
        [[0.5, 0.4, 0.3]]
        >>> made_of(points, METHODS["red-cyan-half"], 0)[0].round(2).tolist()
        [[0.77, 0.4, 0.3]]
    """
    matrix = np.array(method.matrix).reshape(3, 2, 3)
    if method.clip == "eyes":  # a share that cannot be positive is clipped to nothing
        matrix = np.where((matrix <= 0).all(axis=2, keepdims=True), 0.0, matrix)
    pair, own = _others(odd), 0 if odd in eye_channels(method.matrix)[0] else 1
    values = np.clip(colors, 0, 1) ** np.array(method.exponent)
    values = decode(values) if method.transfer == "linear" else values
    points = values[:, 1].copy()
    points[:, odd] = values[:, 0, odd]
    other = values[:, 0].copy()  # the other eye's colour at the first place, of which its two channels are seen
    other[:, odd] = other[:, pair].mean(axis=1)
    points[:, odd] -= other @ matrix[odd, 1 - own]
    points[:, pair] -= values[:, 1, odd, None] * matrix[pair, own].sum(axis=1)
    mixed = matrix[:, 1 - own].copy()
    mixed[odd] = matrix[odd, own]
    if np.abs(np.linalg.det(mixed)) < 1e-3:  # the odd channel says nothing new
        made, rest = points.copy(), points[:, odd] - points[:, pair] @ mixed[odd, pair]
        made[:, odd] = points[:, pair].mean(axis=1)
        return made, rest
    made = points @ np.linalg.inv(mixed).T
    return encode(np.clip(made, -0.5, 2.0)) if method.transfer == "linear" else made, None


def _colour_measures(made: Floats, rest: Floats | None) -> list[float]:
    """Twelve figures: how much is out of range, tint, spread and likeness of red and blue against green, residual."""
    beyond = np.maximum(0, np.maximum(-0.02 - made, made - 1.02)).sum(axis=1)
    red, blue = made[:, 0] - made[:, 1], made[:, 2] - made[:, 1]
    tints = [float(np.median(x)) for x in (red, blue)]
    spreads = [np.log(0.003 + np.median(np.abs(x - tint))) for x, tint in zip((red, blue), tints, strict=True)]
    alike = [_correlation(red, blue), _correlation(made[:, 0], made[:, 1])]
    extreme = [np.log(0.003 + (np.abs(red) > 0.5).mean()), *np.quantile(red, [0.02, 0.98])]
    residual = 0.0 if rest is None else np.log(1e-3 + np.median(np.abs(rest)))
    outside = [np.log(1e-3 + beyond.mean()), np.log(3e-3 + (beyond > 0).mean())]
    return [*outside, *tints, *spreads, *alike, *extreme, residual]


def _leaks(gradients: Floats, odd: int) -> list[float]:
    """Eight slopes of gradients on those of the matching place and, where the eyes are mixed, of the same place."""
    if len(gradients) < LEAST_SHIFTED:
        return [0.0] * 8
    one, two = _others(odd)
    here, there = (np.clip(gradients[:, place], -0.2, 0.2) for place in (0, 1))
    of_odd = _slopes(here[:, odd], there[:, one], there[:, two], here[:, one], here[:, two])
    of_one = _slopes(there[:, one], here[:, odd], there[:, two], there[:, odd])
    of_two = _slopes(there[:, two], here[:, odd], there[:, one], there[:, odd])
    return [*of_odd, of_one[0], of_one[2], of_two[0], of_two[2]]


def _slopes(explained: Floats, *by: Floats) -> Floats:
    design = np.stack(by, axis=1)
    power = design.T @ design
    ridge = 1e-3 * np.trace(power) / len(by) + 1e-12
    slopes: Floats = np.linalg.solve(power + ridge * np.eye(len(by)), design.T @ explained)
    return slopes


def _correlation(one: Floats, two: Floats) -> float:
    return float(np.corrcoef(one, two)[0, 1]) if min(one.std(), two.std()) > 1e-4 else 0.0
