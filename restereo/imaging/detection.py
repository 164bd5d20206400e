"""What a picture is: the colours and the method family of an anaglyph, or that it is none, perhaps a stereo picture.

Colours: in each eye's channels the same edges stand at the same place, in the other eye's they are shifted. So of
the three pairs of channels the one whose gradients correlate best belongs to one eye (GB red-cyan, RB
green-magenta, RG amber-blue). A dark channel means red-blue or red-green. It is done on a third of the size,
because JPEG 4:2:0 shares the finest detail between the eyes.

Plain photographs: all channels correlate best where they are; an anaglyph's eyes when one is shifted, as a whole
or, where only part of a scene has parallax, in windows. All of this is on gradients along the row of a reduced picture.

Family (colour, half-colour, Dubois, Wimmer …): which method explains the picture, `families.py`.

There is no reliable cue to which eye is left; the first colour is taken for the left eye, as glasses have it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture, check_picture
from restereo.imaging.families import likely
from restereo.methods import METHODS, AnaglyphMethod

Colors = Literal["red-cyan", "green-magenta", "amber-blue", "red-blue", "red-green"]
Packing = Literal["side by side", "one above the other"]
Gradients = NDArray[np.float32]

LEAST_SIDE: Final = 16
MOST_PIXELS: Final = 12_000_000
"""Detection makes float copies of what it looks at, eight times the bytes."""
OWNERS: Final[dict[str, Colors]] = {"gb": "red-cyan", "rb": "green-magenta", "rg": "amber-blue"}
"""The glasses that give these two channels to one eye."""
DARK: Final = 0.2
"""A channel is dark whose 95th percentile is under this share of the others' (training pairs, JPEG q30 and PNG:
two-colour methods at most .10, all others at least .43)."""
GREY: Final = 7.0
"""98th percentile of |difference| in codes, on a sixteenth of the size, under which two channels are equal
(training pairs: grey at most 4 at JPEG q60 and 6 at q30; the greyest colour anaglyph 9)."""
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
LOOKS: Final = ((240, None), (480, 8))
"""Widths that windows are looked at in, and shifts in px that are tried; half a percent of parallax is 2 px of 480."""
MOVED_SHARE: Final = 0.04
"""Share of the texture that must stand shifted in windows (of 250 training photographs all but one: at most .02)."""
ALIKE: Final = 0.55
"""Correlation of the two halves, at the best shift along the row, from which they are one scene: 40 of 43 real pairs
reach it (three have large disparities), of 238 photos none (at most .49)."""
PACKING_SIDE: Final = 160
PACKING_REACH: Final = 0.12
"""Share of a view's width that it may be shifted by."""
CLOSE: Final = 0.25
"""A runner-up that is at least so many times as likely as the first is named."""


@dataclass(frozen=True)
class Detection:
    """What a picture seems to be.

    Attributes:
        method: The method, first colour = left eye; of a plain picture what it would most likely be.
        confidence: Probability in [0, 1] that the method's family is right; 1 for grey, which equal channels prove.
        plain: True for a picture that is no anaglyph.
        correlations: Of the gradients' magnitudes without shift, of the channels "rg", "rb" and "gb".
        runner_up: Of the next likely family, if it is hardly less likely; None otherwise.
    """

    method: AnaglyphMethod
    confidence: float
    plain: bool
    correlations: dict[str, float]
    runner_up: AnaglyphMethod | None = None


def detect(anaglyph: Picture, name: str = "the picture") -> Detection:
    """Returns the colours and the method family of an anaglyph, or that the picture is none.

    Args:
        anaglyph: `(H, W, 3)` uint8, at least 16 px a side.
        name: What an error sentence calls the picture.

    Raises:
        UserError: It is no 8-bit RGB picture, or too small.

    Example:
        >>> from restereo.imaging.anaglyph import form
        >>> wall = cv2.resize(np.random.default_rng(0).integers(0, 256, (30, 50, 1), np.uint8), (200, 120))
        >>> view = np.stack([wall, wall // 2, wall // 3], axis=-1)
        >>> found = detect(form(view[:, 12:], view[:, :-12], METHODS["green-magenta-color"]))
        >>> found.method.colors, found.plain
        ('green-magenta', False)
    """
    check_picture(anaglyph, name, least=LEAST_SIDE)
    anaglyph = middle(anaglyph)
    edges = gradients(anaglyph, width=500, floor=3.0)
    magnitude = np.abs(edges)
    correlations = {key: correlation(magnitude[..., a], magnitude[..., b]) for key, (a, b) in PAIRS.items()}
    dark = _dark_channel(anaglyph)
    if dark is not None:
        plain = in_place(edges[..., 0], edges[..., 3 - dark]) and _still(anaglyph, dark)[1]
        colors: Colors = "red-blue" if dark == 1 else "red-green"
        return Detection(METHODS[f"{colors}-grey"], 1.0, plain, correlations)
    pair = max(PAIRS, key=lambda key: correlations[key])
    first, second = PAIRS[pair]
    plain = in_place(edges[..., 3 - first - second], edges[..., first] + edges[..., second])
    if plain:  # as a whole; perhaps only a part of the scene has parallax, or little
        pair, plain = _still(anaglyph)
        first, second = PAIRS[pair]
    colors = OWNERS[pair]
    if _equal(anaglyph, first, second):
        return Detection(METHODS[f"{colors}-grey"], 1.0, plain, correlations)
    (method, share), (other, its_share) = likely(anaglyph, colors)[:2]
    return Detection(method, share, plain, correlations, other if its_share >= CLOSE * share else None)


def middle(picture: Picture) -> Picture:
    """Returns the middle rows of a large picture, as many as may be looked at without taking much memory.

    Example:
        >>> middle(np.zeros((5000, 8000, 3), np.uint8)).shape
        (1500, 8000, 3)
    """
    height, width = picture.shape[:2]
    rows = max(LEAST_SIDE, min(height, MOST_PIXELS // width))
    top = (height - rows) // 2
    return picture[top : top + rows]


def _still(anaglyph: Picture, dark: int | None = None) -> tuple[str, bool]:
    """Returns the pair of channels of one eye and whether no part of the picture stands shifted, looked at in windows.

    First coarsely, at shifts of up to an eighth of the width, then finely, at those that vanish on a small copy.
    Instead of a dark channel its eye's other one is looked at twice.
    """
    channels = [3 - dark if channel == dark else channel for channel in range(3)] if dark else [0, 1, 2]
    pairs = []
    for width, reach in LOOKS:
        pair, moved = windows(gradients(anaglyph, width)[..., channels], reach)
        if moved >= MOVED_SHARE:
            return pair, False
        pairs.append(pair)
    return pairs[0], True


def _dark_channel(anaglyph: Picture) -> int | None:
    """Green or blue, if it is dark and the others are not: the mark of a two-colour method."""
    height, width = anaglyph.shape[:2]
    small = cv2.resize(anaglyph, (max(1, width // 3), max(1, height // 3)), interpolation=cv2.INTER_AREA)
    bright = np.percentile(small.reshape(-1, 3), 95, axis=0)
    for dark in (1, 2):
        if bright[dark] < DARK * min(bright[0], bright[3 - dark]):
            return dark
    return None


def _equal(anaglyph: Picture, first: int, second: int) -> bool:
    """Whether two channels are equal but for what JPEG does to colours."""
    height, width = anaglyph.shape[:2]
    tiny = cv2.resize(anaglyph, (max(1, width // 16), max(1, height // 16)), interpolation=cv2.INTER_AREA)
    difference = np.abs(tiny[..., first].astype(np.float32) - tiny[..., second])
    return bool(np.percentile(difference, 98) < GREY)


def gradients(picture: Picture, width: int, floor: float = 1.0) -> Gradients:
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


def windows(edges: Gradients, reach: int | None = None) -> tuple[str, float]:
    """Returns the pair of channels that gains least from shifting, and how much of the texture stands shifted.

    A look at windows of 25 px, for scenes of which only a part has parallax. Texture stands shifted where the
    third channel fits both of the pair clearly better at one common shift than in place.

    Args:
        edges: `(H, W, 3)`, as `gradients` returns them.
        reach: Largest shift in px; by default an eighth of the width.

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
    reach = reach or max(1, edges.shape[1] // REACH)
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


def packing_of(picture: Picture) -> Packing | None:
    """Returns how a picture holds two views of one scene, or None if it does not seem to.

    Args:
        picture: `(H, W, 3)`.

    Example:
        >>> view = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
        >>> packing_of(np.concatenate([view[:, 4:], view[:, :-4]], axis=1)), packing_of(view)
        ('side by side', None)
    """
    height, width = picture.shape[:2]
    if min(height, width) < 32:
        return None
    halves = {
        "side by side": (picture[:, : width // 2], picture[:, -(width // 2) :]),
        "one above the other": (picture[: height // 2], picture[-(height // 2) :]),
    }
    likeness = {name: likeness_of(*pair) for name, pair in halves.items()}
    found: Packing = (
        "side by side" if likeness["side by side"] >= likeness["one above the other"] else "one above the other"
    )
    return found if likeness[found] >= ALIKE else None


def likeness_of(first: Picture, second: Picture) -> float:
    """Returns the correlation in [-1, 1] of the middle of one with the other at its best shift, coarse light apart."""
    views = [_structure(view) for view in (first, second)]
    reach = max(2, round(PACKING_REACH * views[0].shape[1]))
    middle = views[0][:, reach:-reach]
    if min(float(middle.std()), float(views[1].std())) < 1e-3:
        return 0.0
    return float(cv2.matchTemplate(views[1], np.ascontiguousarray(middle), cv2.TM_CCOEFF_NORMED).max())


def _structure(view: Picture) -> NDArray[np.float32]:
    small = cv2.resize(np.ascontiguousarray(view), (PACKING_SIDE, PACKING_SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey - cv2.GaussianBlur(grey, (0, 0), 12)
