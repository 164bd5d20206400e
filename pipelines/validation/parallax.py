"""Whether a picture is an anaglyph: some of its channels lie on each other better when one is shifted.

Stricter than the detector of the library, which is asked about pictures that may well be anaglyphs: here nearly none
is, and a plain photograph that is called one stops the pipeline.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from restereo.imaging.detection import PAIRS, Gradients, correlation, gradients, windows

WIDTH: Final = 250
REACH: Final = 5
"""Shifts of up to a fifth of the width."""
FLAT: Final = 1.0
"""Deviation of a channel's gradients under which it has no texture."""
IN_PLACE: Final = 0.7
"""Channels that correlate so well unshifted belong to one eye: no further look (of 602 anaglyphs the two eyes' channels
under .6, of 726 photographs 84 % all over)."""
ALIKE: Final = 0.2
"""Channels that correlate less than this at any shift do not show the same scene."""
WINDOWED: Final = 0.6
"""What the share of shifted windows counts beside the gain: a photograph's reaches .14, the gain .10."""
SHIFTED: Final = 0.12
"""Of 1,918 training photographs and the 86 views of the training pairs none is over it (at most .10); of 1,075
anaglyphs made of these pairs by all 25 methods all but 3 are."""


def parallax(picture: NDArray[np.uint8]) -> float:
    """Returns from 0 to 1 how much of the picture's channels stands shifted; over `SHIFTED` it is an anaglyph.

    The greater of two: what two channels gain in correlation when one is shifted as a whole, and (weighted) the
    share of the texture that fits better shifted, window by window.

    Args:
        picture: `(H, W, 3)` uint8 RGB.

    Example:
        >>> wall = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8).repeat(6, 0).repeat(6, 1)
        >>> parallax(np.stack([wall] * 3, axis=-1))
        0.0
        >>> parallax(np.stack([wall[:, 30:], wall[:, :-30], wall[:, :-30]], axis=-1)) > SHIFTED
        True
    """
    edges = gradients(picture, WIDTH, floor=3.0)
    magnitude = np.abs(edges)
    pairs = [(magnitude[..., a], magnitude[..., b]) for a, b in PAIRS.values()]
    doubtful = [pair for pair in pairs if min(x.std() for x in pair) >= FLAT and correlation(*pair) < IN_PLACE]
    if not doubtful:
        return 0.0
    gain = max(_gain(one, two) for one, two in doubtful)
    return gain if gain > SHIFTED else max(gain, WINDOWED * windows(gradients(picture, WIDTH))[1])


def _gain(one: Gradients, two: Gradients) -> float:
    """Returns which share of the best correlation over all shifts is lost in place."""
    width = one.shape[1]
    reach = width // REACH
    found = {
        by: correlation(one[:, max(0, by) : width + min(0, by)], two[:, max(0, -by) : width - max(0, by)])
        for by in range(-reach, reach + 1)
    }
    best = max(found.values())
    return 1 - max(0.0, found[0]) / best if best >= ALIKE else 0.0
