"""Whether the left picture of a pair is the left eye's: three witnesses, none of them sure on its own.

Swapping the eyes negates every disparity. That alone proves nothing: photographers shift a pair until all of it lies
behind the screen, which negates them too. So two witnesses that a shift leaves alone have their say: what is low
in a picture is mostly nearer, and what only one eye sees belongs to the farther surface, so it looks like that one.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.geometry import Map, Mask
from restereo.imaging.matching import MIN_SIDE, match

Picture = NDArray[np.uint8]

WIDTH: Final = 256
"""Px that a pair is reduced to: a hidden strip stays some px wide, and a match takes a tenth of a second."""
SIGN_WEIGHT: Final = 0.7
LEAN_WEIGHT: Final = 1.0
STRIP_WEIGHT: Final = 2.0
"""Of 43 real training pairs the sum is then .87 to 3.04, swapped -3.04 to -.83; cut so that nearly all lies behind the
screen (15 % of the width), but not swapped, -.53 and more. A limit of -.7 parts them; it was settled on these pairs."""
LEAST_MATCHED: Final = 0.3
LEAST_CONTRAST: Final = 3.0
"""Deviation in codes under which a picture says nothing."""
LEAST_DEPTH: Final = 1.0
"""Px on the reduced picture: of a flat scene nobody can say which eye saw it."""
LEAST_STRIPS: Final = 20
EDGE: Final = 3
SIDE: Final = 7
"""Matched px that a hidden strip needs on either side, and how far from it the surfaces' colour is taken."""
LEAST_JUMP: Final = 2.0


def order_score(left: Picture, right: Picture) -> float:
    """Returns how much speaks for `left` being the left eye's, about -3.7 to 3.7; NaN if it can't be told.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same size.

    Example:
        >>> import skimage
        >>> left, right, _ = skimage.data.stereo_motorcycle()
        >>> order_score(left, right) > 0.7, order_score(right, left) < -0.7
        (True, True)
    """
    views, found = _matched(left, right)
    if found is None:
        return float("nan")
    maps, agree = found
    seen = maps[0][agree[0]]
    if agree[0].mean() < LEAST_MATCHED or np.ptp(np.percentile(seen, [2, 98])) < LEAST_DEPTH:
        return float("nan")
    sign = float((seen > 0.5).mean() - (seen < -0.5).mean())
    lean = float(np.corrcoef(np.nonzero(agree[0])[0], seen)[0, 1])
    # Mirrored, the right eye is the left one.
    own = _strips(views[0], maps[0], agree[0])
    other = _strips(views[1][:, ::-1], maps[1][:, ::-1], agree[1][:, ::-1])
    return SIGN_WEIGHT * sign + LEAN_WEIGHT * lean + STRIP_WEIGHT * _likeness(np.concatenate([own, other], axis=1))


def matched_share(left: Picture, right: Picture) -> float:
    """Returns the share of the left view's pixels, in [0, 1], for which both eyes name the same match; NaN: too flat.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same size.

    Example:
        >>> import skimage
        >>> left, right, _ = skimage.data.stereo_motorcycle()
        >>> matched_share(left, right) > 0.7, matched_share(left, right[::-1]) < 0.3
        (True, True)
    """
    if min(left.shape[:2]) < MIN_SIDE or min(float(left.std()), float(right.std())) < LEAST_CONTRAST:
        return float("nan")
    found = _matched(left, right)[1]
    return 0.0 if found is None else float(found[1][0].mean())


def _matched(left: Picture, right: Picture) -> tuple[list[Picture], tuple[Map, Mask] | None]:
    """The reduced views, and what is matched of them."""
    height, width = left.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    views = [np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8) for view in (left, right)]
    channels = [cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32) for view in views]
    return views, match(channels[0], channels[1])


def _likeness(strips: NDArray[np.float64]) -> float:
    """Returns from -1 to 1 how much more the strips look like their farther side; 0.0 if there are too few."""
    far, near = strips
    total = float((far + near).sum())
    return float((near - far).sum()) / total if far.size >= LEAST_STRIPS and total > 0 else 0.0


def _strips(view: Picture, disparity: NDArray[np.float32], agree: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns `(2, N)`: how much each strip that only the left eye sees differs from its farther and nearer side."""
    padded = np.pad(agree.astype(np.int8), ((0, 0), (1, 1)), constant_values=1)
    step = np.diff(padded, axis=1)
    (row, start), (_, end) = np.nonzero(step == -1), np.nonzero(step == 1)
    inside = (start >= SIDE) & (end <= agree.shape[1] - SIDE) & (end - start >= 2)
    row, start, end = row[inside], start[inside], end[inside]
    matched = np.pad(np.cumsum(agree, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    both = matched[row, start] - matched[row, start - EDGE] + matched[row, end + EDGE] - matched[row, end] == 2 * EDGE
    row, start, end = row[both], start[both], end[both]
    away = np.arange(EDGE)
    before = np.median(disparity[row[:, None], start[:, None] - 1 - away], axis=1)
    after = np.median(disparity[row[:, None], end[:, None] + away], axis=1)
    jump, length = after - before, end - start
    fits = (jump >= LEAST_JUMP) & (length >= 0.4 * jump) & (length <= 2.5 * jump + 2)
    row, start, end = row[fits], start[fits], end[fits]
    total = np.pad(np.cumsum(view, axis=1, dtype=np.float64), ((0, 0), (1, 0), (0, 0)))

    def mean(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray((total[row, last] - total[row, first]) / (last - first)[:, None])

    strip, far, near = mean(start, end), mean(start - SIDE, start - EDGE + 1), mean(end + EDGE - 1, end + SIDE)
    return np.stack([np.abs(strip - side).sum(axis=1) for side in (far, near)])
