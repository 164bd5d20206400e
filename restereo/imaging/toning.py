"""Whether a picture has colours, or only one tone all over: grey, sepia, a faded print's cast."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import check_picture

WIDTH: Final = 96
"""Px that a picture is reduced to: grain and the blotches of JPEG even out, colours do not."""
STEPS: Final = 16
"""Tones of light that a cast is taken from: sepia fades towards black and white."""
SHARE: Final = 98
"""Percentile of the pixels: colours may be a small part of a picture."""
COLOURED: Final = 10.0
"""Codes from which a picture has colours (tests/data/tones.py, 300 training photographs: sepia, with noise and JPEG
at most 8.8; as they are, 94 % are over it; the others are nearly grey)."""


def own_colour(picture: NDArray[np.uint8]) -> float:
    """Returns how far a picture's chroma departs from what its light alone explains, in codes; grey and sepia: 0.

    The departure of Cr and Cb from their means among pixels equally light, of the most colourful 2 % at least: a tint
    over all does not count.

    Args:
        picture: `(H, W, 3)` uint8 RGB.

    Raises:
        UserError: It is no 8-bit RGB picture.

    Example:
        >>> ramp = np.linspace(0, 1, 64 * 64).reshape(64, 64, 1)
        >>> sepia = np.rint(ramp * (255, 240, 200)).astype(np.uint8)
        >>> equally_light = np.zeros((64, 64, 3), np.uint8)
        >>> equally_light[:, :32, 0], equally_light[:, 32:, 1] = 200, 102
        >>> own_colour(sepia) < 2, own_colour(equally_light) > 50
        (True, True)
    """
    check_picture(picture, "the picture")
    height, width = picture.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32) / 255
    light, *chroma = (one.ravel() for one in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)))
    step = np.minimum((light * STEPS).astype(np.int64), STEPS - 1)
    count = np.maximum(np.bincount(step, minlength=STEPS), 1)
    off = [one - (np.bincount(step, one, STEPS) / count)[step] for one in chroma]
    return float(255 * np.percentile(np.hypot(*off), SHARE))


def has_colours(picture: NDArray[np.uint8]) -> bool:
    """Returns whether a picture has colours of its own.

    Example:
        >>> has_colours(np.full((8, 8, 3), (90, 80, 60), np.uint8))
        False
    """
    return own_colour(picture) > COLOURED
