"""Black rims: wedges at the frame where a rectified eye shows nothing, because it was turned or shifted."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from restereo.imaging.stereo import Map, Mask

BLACK: Final = 6.0
"""Codes up to which a pixel is black; JPEG leaves some."""
DEEPEST: Final = 0.15
"""Share of the height, or of the width, that a rim reaches inwards at most: what is black beyond is a dark picture."""
LEAST_LENGTH: Final = 0.1
"""Share of a side along which a rim must lie."""
STRAIGHT: Final = 0.9
"""Share of a side on which the rim's edge must be a straight line, within `NEAR` px."""
NEAR: Final = 2.0


def black_rims(channel: Map) -> Mask:
    """Returns `(H, W)` bool, True in the rims: black from the frame inwards, up to a straight line.

    A dark picture has no rim: what is black there does not end on a line.

    Args:
        channel: `(H, W)` float32 in [0, 255], what one eye shows.

    Example:
        >>> picture = np.full((40, 60), 99, np.float32)
        >>> picture[:, :4] = 0
        >>> black_rims(picture)[0].nonzero()[0].tolist()  # with the column that interpolation mixes
        [0, 1, 2, 3, 4]
    """
    light = channel > BLACK
    rims = np.zeros(channel.shape, np.bool_)
    for turns in range(4):  # each side in turn is the top one; the views share the memory
        _mark_top(np.rot90(light, turns), np.rot90(rims, turns))
    return rims


def _mark_top(light: NDArray[np.bool_], rims: NDArray[np.bool_]) -> None:
    height, width = light.shape
    deepest = max(1, int(DEEPEST * height))
    if width < 3:
        return
    seen = light[: deepest + 1]
    depth = np.where(seen.any(axis=0), seen.argmax(axis=0), deepest + 1)
    inside = (depth > 0) & (depth <= deepest)
    if inside.mean() < LEAST_LENGTH:
        return
    place = np.arange(width)
    # Theil-Sen's slope of pairs half of the rim apart: dark things at its edge do not turn it.
    marked, half = place[inside], max(1, int(inside.sum()) // 2)
    slope = (
        np.median((depth[marked[half:]] - depth[marked[:-half]]) / (marked[half:] - marked[:-half]))
        if half < len(marked)
        else 0.0
    )
    line = np.maximum(slope * place + np.median(depth[marked] - slope * marked), 0)
    if (np.abs(depth - line) <= NEAR).mean() >= STRAIGHT:
        rims |= np.arange(height)[:, None] < np.where(line > 0, np.minimum(np.ceil(line) + 1, height), 0)
