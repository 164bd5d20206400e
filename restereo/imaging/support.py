"""Match support: whether the two eyes of an anaglyph show one scene, told without knowing the truth."""

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.geometry import Map, Mask, warp

SIGMA = 4.0
"""Px of the Gaussian that gradients are normalised over."""
LEAST_MATCHED = 0.65
"""Share of matched pixels under which two eyes are taken for different scenes (tests/data/shuffled.py)."""


def unrelated(match_share: float) -> bool:
    """Returns whether so small a share of matched pixels says that the eyes show different scenes.

    Args:
        match_share: Share of pixels, in [0, 1], for which both eyes name the same match.

    Example:
        >>> unrelated(0.3), unrelated(0.9)
        (True, False)
    """
    return match_share < LEAST_MATCHED


def gradients(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the gradient's magnitude over its local mean, `(H, W)`: edges compare where colours do not.

    Args:
        channel: `(H, W)` float32 in [0, 255].

    Example:
        >>> float(gradients(np.full((9, 9), 7.0, np.float32)).max())
        0.0
    """
    across, down = (cv2.Sobel(channel, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    magnitude = np.hypot(across, down)
    return np.asarray(magnitude / (cv2.GaussianBlur(magnitude, (0, 0), SIGMA) + 4.0), np.float32)


def gradient_correlation(left: NDArray[np.float32], right: NDArray[np.float32], disparity: Map, matched: Mask) -> float:
    """Returns the correlation in [-1, 1] of the left eye's normalised gradients with the right eye's, warped over.

    Args:
        left: `(H, W)` float32, the left eye's channel in [0, 255].
        right: The right eye's.
        disparity: `(H, W)` of the left view in px.
        matched: `(H, W)` bool, the pixels to look at; 0.0 is returned if they are less than a hundred, or flat.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 255, (60, 130)).astype(np.float32)
        >>> left, right, shift = noise[:, :-10], noise[:, 10:], np.full((60, 120), 10.0, np.float32)
        >>> [gradient_correlation(left, right, d, np.ones((60, 120), bool)) > 0.9 for d in (shift, -shift)]
        [True, False]
    """
    theirs, inside = warp(gradients(right), disparity, "left")
    chosen = matched & inside
    ours = gradients(left)[chosen]
    if ours.size < 100 or min(float(ours.std()), float(theirs[chosen].std())) < 1e-6:
        return 0.0
    return float(np.corrcoef(ours, theirs[chosen])[0, 1])
