"""Whether a picture shows the same scene twice: a stereo picture already, not an anaglyph."""

from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Packing = Literal["side by side", "one above the other"]
ALIKE: Final = 0.55
"""Correlation of the two halves, at the best shift along the row, from which they are one scene: 40 of 43 real pairs
reach it (three have large disparities), of 238 photos none (at most .49)."""
SIDE: Final = 160
REACH: Final = 0.12
"""Share of a view's width that it may be shifted by."""


def packing_of(picture: NDArray[np.uint8]) -> Packing | None:
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
    likeness = {name: _likeness(*pair) for name, pair in halves.items()}
    found: Packing = (
        "side by side" if likeness["side by side"] >= likeness["one above the other"] else "one above the other"
    )
    return found if likeness[found] >= ALIKE else None


def _likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Returns the correlation in [-1, 1] of the middle of one with the other at its best shift, coarse light apart."""
    views = [_structure(view) for view in (first, second)]
    reach = max(2, round(REACH * views[0].shape[1]))
    middle = views[0][:, reach:-reach]
    if min(float(middle.std()), float(views[1].std())) < 1e-3:
        return 0.0
    return float(cv2.matchTemplate(views[1], np.ascontiguousarray(middle), cv2.TM_CCOEFF_NORMED).max())


def _structure(view: NDArray[np.uint8]) -> NDArray[np.float32]:
    small = cv2.resize(np.ascontiguousarray(view), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return grey - cv2.GaussianBlur(grey, (0, 0), 12)
