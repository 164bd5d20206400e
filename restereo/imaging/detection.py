"""What kind of anaglyph a picture is: its colours, its method, or that it is none.

Colours: in each eye's channels the same edges stand at the same place, in the other eye's they are shifted. So of
the three pairs of channels the one whose gradients correlate best belongs to one eye (GB red-cyan, RB
green-magenta, RG amber-blue). A dark channel means red-blue or red-green. It is done on a third of the size,
because JPEG 4:2:0 shares the finest detail between the eyes.

Plain photographs: all channels correlate best where they are; an anaglyph's eyes when one is shifted.

There is no reliable cue to which eye is left; the first colour is taken for the left eye, as glasses have it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.kinds import Kind, kind_of
from restereo.imaging.picture import check_picture

Colors = Literal["red-cyan", "green-magenta", "amber-blue", "red-blue", "red-green"]

LEAST_SIDE: Final = 16
PAIRS: Final[dict[Colors, tuple[int, int]]] = {"red-cyan": (1, 2), "green-magenta": (0, 2), "amber-blue": (0, 1)}
"""The two channels that belong to one eye."""
DARK: Final = 0.2
"""A channel is dark whose 95th percentile is under this share of the others' (training pairs, JPEG q30 and PNG:
two-colour methods at most .10, all others at least .43)."""
PEAK: Final = 0.985
"""Correlation without shift, as a share of the best over all shifts, from which a picture is plain (1,100 training
photographs: 1.0; anaglyphs at most .97)."""
SIGNED: Final = 0.1
"""Least correlation of signed gradients of a plain picture (photographs: .23 and more; the exceptions among
anaglyphs to `PEAK` are Dubois' with their negative cross terms: -.24 and less)."""
GREY: Final = 7.0
"""98th percentile of |difference| in codes, on a sixteenth of the size, under which two channels are equal
(training pairs: grey at most 4 at JPEG q60 and 6 at q30; the greyest colour anaglyph 9)."""


@dataclass(frozen=True)
class Detection:
    """What a picture seems to be.

    Attributes:
        colors: The glasses' colours, left eye first; of a plain picture what it would most likely be.
        kind: How the views were mixed.
        method: Canonical name of the method, `{colors}-{kind}`.
        confidence: Of the kind, in [0, 1]: the share of training anaglyphs found so surely that were right.
        plain: True for a picture that is no anaglyph.
        correlations: Of the gradients' magnitudes without shift, of the channels "rg", "rb" and "gb".
    """

    colors: Colors
    kind: Kind
    method: str
    confidence: float
    plain: bool
    correlations: dict[str, float]


def detect(anaglyph: NDArray[np.uint8], name: str = "the picture") -> Detection:
    """Returns what kind of anaglyph the picture is.

    Args:
        anaglyph: `(H, W, 3)` uint8, at least 16 px a side.
        name: What an error sentence calls the picture.

    Raises:
        UserError: It is no 8-bit RGB picture, or too small.

    Example:
        >>> from restereo.imaging.anaglyph import METHODS, form
        >>> wall = cv2.resize(np.random.default_rng(0).integers(0, 256, (30, 50, 1), np.uint8), (200, 120))
        >>> view = np.stack([wall, wall // 2, wall // 3], axis=-1)
        >>> found = detect(form(view[:, 12:], view[:, :-12], METHODS["green-magenta-color"]))
        >>> found.colors, found.plain
        ('green-magenta', False)
    """
    check_picture(anaglyph, name, least=LEAST_SIDE)
    height, width = anaglyph.shape[:2]
    gradients, small = _gradients(anaglyph)
    magnitude = np.abs(gradients)
    correlations = {
        key: _correlation(magnitude[..., a], magnitude[..., b])
        for key, (a, b) in {"rg": (0, 1), "rb": (0, 2), "gb": (1, 2)}.items()
    }
    bright = np.percentile(small.reshape(-1, 3), 95, axis=0)
    for colors, dark, other in (("red-blue", 1, 2), ("red-green", 2, 1)):
        if bright[dark] < DARK * min(bright[0], bright[other]):
            plain = _is_plain(gradients[..., 0], gradients[..., other])
            two: Colors = "red-blue" if colors == "red-blue" else "red-green"
            return Detection(two, "grey", f"{two}-grey", 1.0, plain, correlations)
    best = max(PAIRS, key=lambda c: _correlation(magnitude[..., PAIRS[c][0]], magnitude[..., PAIRS[c][1]]))
    first, second = PAIRS[best]
    odd = 3 - first - second
    plain = _is_plain(gradients[..., odd], gradients[..., first] + gradients[..., second])
    tiny = cv2.resize(anaglyph, (max(1, width // 16), max(1, height // 16)), interpolation=cv2.INTER_AREA)
    difference = np.abs(tiny[..., first].astype(np.float32) - tiny[..., second])
    grey = np.percentile(difference, 98) < GREY
    kind, confidence = ("grey", 1.0) if grey else kind_of(anaglyph, best)
    return Detection(best, kind, f"{best}-{kind}", confidence, plain, correlations)


def _gradients(anaglyph: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Horizontal gradients `(h, w, 3)` of the picture on a third of its size or less, and that picture."""
    height, width = anaglyph.shape[:2]
    factor = min(max(3.0, width / 500), max(1.0, min(height, width) / 40))
    size = max(1, round(width / factor)), max(1, round(height / factor))
    small = cv2.resize(anaglyph.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.Sobel(small, cv2.CV_32F, 1, 0, ksize=3), np.float32), np.asarray(small, np.float32)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    a, b = a - a.mean(), b - b.mean()
    power = float(np.sqrt(np.square(a).sum() * np.square(b).sum()))
    return float((a * b).sum()) / power if power > 1e-3 * a.size else 0.0


def _is_plain(one: NDArray[np.float32], two: NDArray[np.float32]) -> bool:
    """Whether two channels' gradients lie on each other best without any shift along the row."""
    width = one.shape[1]
    reach = width // 5
    first, second = np.abs(one), np.abs(two)

    def shifted(by: int) -> float:
        return _correlation(first[:, max(0, by) : width + min(0, by)], second[:, max(0, -by) : width - max(0, by)])

    here = shifted(0)
    best = max(shifted(by) for by in range(-reach, reach + 1))
    return here >= PEAK * best and _correlation(one, two) >= SIGNED
