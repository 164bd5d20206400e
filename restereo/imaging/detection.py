"""What a picture is: the colours and the method family of an anaglyph, or that it is none, perhaps a stereo picture.

Colours: in each eye's channels the same edges stand at the same place, in the other eye's they are shifted. So of
the three pairs of channels the one whose gradients correlate best belongs to one eye (GB red-cyan, RB
green-magenta, RG amber-blue). A dark channel means red-blue or red-green. It is done on a third of the size,
because JPEG 4:2:0 shares the finest detail between the eyes.

Plain photographs: all channels correlate best where they are; an anaglyph's eyes when one is shifted, as a whole
or, where only part of a scene has parallax, in windows. All of this is on gradients along the row of a reduced picture.

Family (colour, half-colour, Dubois): one channel (the odd one: red of red-cyan) belongs to one eye, two to the other.
Matched on a small picture, they give triples of values of the same point. In half-colour the odd channel is luma, so
the other eye's channels explain it well; Dubois' matrix makes it a mixture as well, leaves negative traces of the other
eye, and clips many values to 0 and 255; in plain colour it is a channel like the others.

A multinomial logistic regression on 20 such measures says which. Right on real training pairs, each rig left out of its
own fit, chance being 33 %: 86 % of PNG, 72 % of JPEG 4:2:0 (q60 to q90). Green-magenta in colour and in half-colour are
the hardest (63-65 % and 58-74 %), because luma is mostly green; amber-blue is the easiest. Stated confidence over .9
(35 % of all): 97 % right, .7-.9: 87 %, .5-.7: 66 %, under .5: 41 %. `python tests/restereo/imaging/fit_families.py`
measures this and prints the weights.

There is no reliable cue to which eye is left; the first colour is taken for the left eye, as glasses have it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture, check_picture
from restereo.imaging.stereo import SHARED_DETAIL, match, shared_detail, warp
from restereo.methods import METHODS, AnaglyphMethod

Colors = Literal["red-cyan", "green-magenta", "amber-blue", "red-blue", "red-green"]
Family = Literal["color", "half", "dubois", "grey"]
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
FAMILIES: Final[tuple[Family, Family, Family]] = ("color", "half", "dubois")
ODD: Final = {"red-cyan": 0, "green-magenta": 1, "amber-blue": 2}
"""The channel that is alone in its eye."""
FAMILY_WIDTH: Final = 320
LEAST_POINTS: Final = 200
ALIKE: Final = 0.55
"""Correlation of the two halves, at the best shift along the row, from which they are one scene: 40 of 43 real pairs
reach it (three have large disparities), of 238 photos none (at most .49)."""
PACKING_SIDE: Final = 160
PACKING_REACH: Final = 0.12
"""Share of a view's width that it may be shifted by."""
# Weights of the regression, as tests/restereo/imaging/fit_families.py prints them. Per colours: mean and spread of the
# 20 measures; a row per family of 20 weights and an intercept.
# fmt: off
CENTRE: Final[dict[str, list[float]]] = {
    "red-cyan": [0.5204, -0.0182, 0.6675, 0.9398, -0.0084, -1.4931, 1.7766, 0.9495, 0.795, 0.8333, -0.0755,
     0.6959, -0.0188, -0.0345, -5.6956, -5.9583, -4.8163, -5.773, -5.6496, -5.6992],
    "green-magenta": [0.4964, -0.0276, 0.6667, 0.6282, 0.348, -1.4857, 1.7899, 0.9303, 0.8627, 0.7851,
     -0.0813, 0.591, -0.047, -0.001, -5.9158, -5.3879, -5.235, -5.9312, -5.4792, -5.8683],
    "amber-blue": [0.5169, -0.0285, 0.6677, -0.0311, 0.9515, -1.1954, 2.1212, 0.7956, 0.8949, 0.8883,
     -0.4969, -0.4393, -0.0278, 0.0187, -4.934, -5.5719, -6.1603, -5.704, -5.6538, -6.0038],
}
SCALE: Final[dict[str, list[float]]] = {
    "red-cyan": [0.398, 0.0491, 0.4711, 0.286, 0.3064, 0.5501, 0.5985, 0.0751, 0.2492, 0.2339, 0.3203,
     1.0572, 0.091, 0.251, 1.3301, 1.2791, 1.7384, 1.3568, 1.5085, 1.5955],
    "green-magenta": [0.4067, 0.0652, 0.4714, 0.179, 0.1852, 0.4553, 0.5123, 0.0929, 0.1881, 0.2801, 0.4184,
     0.8141, 0.1238, 0.2187, 1.2628, 1.4515, 1.4767, 1.2868, 1.4555, 1.4261],
    "amber-blue": [0.422, 0.0682, 0.471, 0.4992, 0.5146, 0.5848, 0.6135, 0.2473, 0.138, 0.1476, 1.0021,
     0.6878, 0.2175, 0.1711, 1.5042, 1.5064, 1.1632, 1.4131, 1.4165, 1.3314],
}
WEIGHTS: Final[dict[str, list[list[float]]]] = {
    "red-cyan": [[-0.3777, 0.4231, -0.1614, 0.6287, -0.1396, -0.4503, 0.8193, -1.2261, -0.0909, 0.1912,
     0.2905, -0.2453, 0.0663, 0.0752, 0.5122, -0.636, -0.2548, 0.7297, -0.6931, -0.0586, -0.5122], [0.7195,
     0.6419, -0.6771, 0.196, 0.4941, -0.0672, -0.0994, 0.4242, -0.4957, 0.5307, 0.0284, 0.1559, -0.1357,
     0.0811, -0.0541, 0.2804, -0.347, -0.3251, 0.1174, -0.0252, 0.1207], [-0.3417, -1.065, 0.8385, -0.8247,
     -0.3545, 0.5175, -0.7199, 0.8019, 0.5867, -0.7219, -0.319, 0.0894, 0.0694, -0.1563, -0.4581, 0.3556,
     0.6018, -0.4046, 0.5756, 0.0838, 0.3915]],
    "green-magenta": [[0.4892, 0.5244, -0.749, 0.515, 1.0351, -0.0857, 0.1042, -1.2254, -0.3477, 0.4973,
     0.1107, -0.1601, 0.3338, 0.1909, 0.1318, -0.738, 0.5048, 0.4318, -0.1888, -0.1588, -0.1296], [0.6099,
     0.7247, -0.78, -0.1243, -0.0557, -0.2576, 0.1446, -0.3095, 0.6084, -0.7341, -0.0316, -0.0597, 0.0694,
     0.1624, 0.135, -0.5234, 0.3128, -0.4181, 0.1506, 0.1931, 0.0981], [-1.0991, -1.2491, 1.529, -0.3907,
     -0.9794, 0.3433, -0.2488, 1.5348, -0.2607, 0.2367, -0.0792, 0.2198, -0.4032, -0.3532, -0.2668, 1.2614,
     -0.8176, -0.0137, 0.0382, -0.0343, 0.0315]],
    "amber-blue": [[0.3564, 0.8639, -0.9932, -0.8494, 0.0076, -0.08, 0.5603, -0.7005, 0.2066, 0.4589,
     0.0764, -0.7104, 0.1236, -0.0023, 0.3669, -0.5704, 0.2708, -0.0127, 0.0098, 0.0355, 0.4119], [1.2241,
     0.3518, -0.6608, 0.4573, -0.9213, -0.217, -0.5802, 0.7064, 0.2136, -0.5047, 0.0726, 1.1552, -0.1736,
     -0.3722, -0.9336, 0.0521, 0.4589, -0.4528, -0.0119, 0.4833, -1.5256], [-1.5804, -1.2156, 1.654, 0.3921,
     0.9137, 0.297, 0.0198, -0.0059, -0.4201, 0.0458, -0.149, -0.4448, 0.05, 0.3745, 0.5667, 0.5183,
     -0.7297, 0.4655, 0.0021, -0.5188, 1.1137]],
}
# fmt: on


@dataclass(frozen=True)
class Detection:
    """What a picture seems to be.

    Attributes:
        method: The method, first colour = left eye; of a plain picture what it would most likely be.
        confidence: Probability in [0, 1] that the method's family is right; 1 for grey, which equal channels prove.
        plain: True for a picture that is no anaglyph.
        correlations: Of the gradients' magnitudes without shift, of the channels "rg", "rb" and "gb".
    """

    method: AnaglyphMethod
    confidence: float
    plain: bool
    correlations: dict[str, float]


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
    family: Family = "grey"
    confidence = 1.0
    if not _equal(anaglyph, first, second):
        family, confidence = family_of(anaglyph, colors)
    return Detection(METHODS[f"{colors}-{family}"], confidence, plain, correlations)


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


def family_of(anaglyph: Picture, colors: str) -> tuple[Family, float]:
    """Returns the method family of an anaglyph that has colour, and the probability in [0, 1] that this is right.

    Args:
        anaglyph: `(H, W, 3)` uint8.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Returns:
        `("color", 1/3)` where the eyes cannot be matched.

    Example:
        >>> family_of(np.zeros((20, 30, 3), np.uint8), "red-cyan")
        ('color', 0.3333333333333333)
    """
    measures = family_measures(anaglyph, colors)
    if measures is None:
        return "color", 1 / 3
    standard = (measures - np.array(CENTRE[colors])) / np.array(SCALE[colors])
    scores = np.array(WEIGHTS[colors]) @ np.append(np.clip(standard, -4, 4), 1.0)
    shares = np.exp(scores - scores.max())
    best = int(shares.argmax())
    return FAMILIES[best], float(shares[best] / shares.sum())


def family_measures(anaglyph: Picture, colors: str) -> NDArray[np.float64] | None:
    """Returns the 20 measures that the family is told from, or None where the eyes cannot be matched.

    Three of detail finer than 2 px shared by the eyes; seven of explaining the odd channel by the other two;
    four of brightness and contrast against them; six of how much of each channel is 0 and 255.

    Args:
        anaglyph: `(H, W, 3)` uint8.
        colors: `red-cyan`, `green-magenta` or `amber-blue`.

    Example:
        >>> family_measures(np.zeros((20, 30, 3), np.uint8), "red-cyan") is None
        True
    """
    odd = ODD[colors]
    one, two = (channel for channel in range(3) if channel != odd)
    points = _matched_points(anaglyph, odd, one, two)
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
    values += [_value_correlation(o, a), _value_correlation(o, b), _value_correlation(a, b)]
    values += [np.median(o - a) / 30, np.median(o - b) / 30, _ratio(o, a), _ratio(o, b)]
    flat = anaglyph.reshape(-1, 3)[:, [odd, one, two]]
    values += [*np.log(1e-3 + (flat <= 2).mean(axis=0)), *np.log(1e-3 + (flat >= 253).mean(axis=0))]
    return np.array(values, dtype=np.float64)


def _matched_points(anaglyph: Picture, odd: int, one: int, two: int) -> NDArray[np.float32] | None:
    """Triples `(N, 3)` R, G, B of the points that both eyes see, from the picture reduced to 320 px."""
    height, width = anaglyph.shape[:2]
    scale = min(1.0, FAMILY_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(anaglyph, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    other = small[..., 1] if odd != 1 else (small[..., one] + small[..., two]) * np.float32(0.5)
    found = match(small[..., odd], other)
    if found is None:
        return None
    maps, agree = found
    warped, inside = warp(small, maps[0], "left")
    warped[..., odd] = small[..., odd]
    points: NDArray[np.float32] = warped[agree[0] & inside]
    return points


def _ratio(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    return float(np.log1p(one.std()) - np.log1p(two.std()))


def _value_correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    spread = one.std() * two.std()
    return float(np.mean((one - one.mean()) * (two - two.mean())) / spread) if spread > 1e-6 else 0.0


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
