"""What kind of anaglyph a picture is: its colours, its method, or that it is none.

Colours: in each eye's channels the same edges stand at the same place, in the other eye's they are shifted. So of
the three pairs of channels the one whose gradients correlate best belongs to one eye (GB red-cyan, RB
green-magenta, RG amber-blue). A dark channel means red-blue or red-green. It is done on a third of the size,
because JPEG 4:2:0 shares the finest detail between the eyes.

Plain photographs: all channels correlate best where they are; an anaglyph's eyes when one is shifted, as a whole
or, where only part of a scene has parallax, in windows.

There is no reliable cue to which eye is left; the first colour is taken for the left eye, as glasses have it.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import check_picture
from restereo.imaging.kinds import Kind, kind_of
from restereo.imaging.shifts import MOVED_SHARE, PAIRS, correlation, gradients, in_place, windows
from restereo.methods import METHODS, AnaglyphMethod

Colors = Literal["red-cyan", "green-magenta", "amber-blue", "red-blue", "red-green"]

LEAST_SIDE: Final = 16
OWNERS: Final[dict[str, Colors]] = {"gb": "red-cyan", "rb": "green-magenta", "rg": "amber-blue"}
"""The glasses that give these two channels to one eye."""
DARK: Final = 0.2
"""A channel is dark whose 95th percentile is under this share of the others' (training pairs, JPEG q30 and PNG:
two-colour methods at most .10, all others at least .43)."""
GREY: Final = 7.0
"""98th percentile of |difference| in codes, on a sixteenth of the size, under which two channels are equal
(training pairs: grey at most 4 at JPEG q60 and 6 at q30; the greyest colour anaglyph 9)."""


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


def detect(anaglyph: NDArray[np.uint8], name: str = "the picture") -> Detection:
    """Returns what kind of anaglyph the picture is.

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
    edges = gradients(anaglyph, width=500, floor=3.0)
    magnitude = np.abs(edges)
    correlations = {key: correlation(magnitude[..., a], magnitude[..., b]) for key, (a, b) in PAIRS.items()}
    dark = _dark_channel(anaglyph)
    if dark is not None:
        plain = in_place(edges[..., 0], edges[..., 3 - dark])
        colors: Colors = "red-blue" if dark == 1 else "red-green"
        return Detection(METHODS[f"{colors}-grey"], 1.0, plain, correlations)
    pair = max(PAIRS, key=lambda key: correlations[key])
    first, second = PAIRS[pair]
    plain = in_place(edges[..., 3 - first - second], edges[..., first] + edges[..., second])
    if plain:  # as a whole; perhaps only a part of the scene has parallax
        pair, moved = windows(gradients(anaglyph, width=240))
        first, second = PAIRS[pair]
        plain = moved < MOVED_SHARE
    colors = OWNERS[pair]
    kind: Kind = "grey"
    confidence = 1.0
    if not _equal(anaglyph, first, second):
        kind, confidence = kind_of(anaglyph, colors)
    return Detection(METHODS[f"{colors}-{kind}"], confidence, plain, correlations)


def _dark_channel(anaglyph: NDArray[np.uint8]) -> int | None:
    """Green or blue, if it is dark and the others are not: the mark of a two-colour method."""
    height, width = anaglyph.shape[:2]
    small = cv2.resize(anaglyph, (max(1, width // 3), max(1, height // 3)), interpolation=cv2.INTER_AREA)
    bright = np.percentile(small.reshape(-1, 3), 95, axis=0)
    for dark in (1, 2):
        if bright[dark] < DARK * min(bright[0], bright[3 - dark]):
            return dark
    return None


def _equal(anaglyph: NDArray[np.uint8], first: int, second: int) -> bool:
    """Whether two channels are equal but for what JPEG does to colours."""
    height, width = anaglyph.shape[:2]
    tiny = cv2.resize(anaglyph, (max(1, width // 16), max(1, height // 16)), interpolation=cv2.INTER_AREA)
    difference = np.abs(tiny[..., first].astype(np.float32) - tiny[..., second])
    return bool(np.percentile(difference, 98) < GREY)
