"""What disparity says about two views: warping, visibility, consistency.

Disparity is in px, positive = near: the left pixel x is seen in the right view at x - d, the right pixel x in
the left view at x + d. NaN = unknown. Both signs are legal.
"""

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Eye = Literal["left", "right"]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]

SCALES: Final = (1.0, 2.0, 3.0, 4.0, 8.0, 16.0, 256.0)
"""Divisors in use: Middlebury third size 3, half 2, quarter 4, 2001 and 2003 8 and 4, Tsukuba 16, KITTI 256."""


def _columns(disparity: NDArray[Any], eye: Eye) -> Map:
    """Where in the other view each pixel is seen, in px."""
    sign = -1 if eye == "left" else 1
    return np.arange(disparity.shape[1], dtype=np.float32) + sign * disparity.astype(np.float32)


def _in_frame(columns: Map) -> Mask:
    inside: Mask = (columns >= -0.5) & (columns <= columns.shape[1] - 0.5)
    return inside


def warp(picture: NDArray[Any], disparity: NDArray[Any], eye: Eye) -> tuple[NDArray[Any], Mask]:
    """Returns the other eye's picture as this eye would see it, and where the sample lay inside the frame.

    Bilinear along the row (OpenCV, 1/32 px). Outside the frame the border is repeated; where the disparity is
    unknown the pixel at the same place stands in, and the mask is False.

    Args:
        picture: `(H, W)` or `(H, W, C)` of the OTHER eye, uint8 or float32.
        disparity: `(H, W)` of this eye.
        eye: This eye, whose view is made.

    Example:
        >>> right = np.array([[10, 20, 30, 40]], np.uint8)
        >>> seen, inside = warp(right, np.ones((1, 4)), "left")
        >>> seen.tolist(), inside.tolist()
        ([[10, 10, 20, 30]], [[False, True, True, True]])
    """
    columns = _columns(disparity, eye)
    known = np.isfinite(columns)
    height, width = columns.shape
    x = np.where(known, columns, np.arange(width, dtype=np.float32))
    y = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], x.shape)
    moved = cv2.remap(picture, x, np.ascontiguousarray(y), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.reshape(height, width, *picture.shape[2:]), known & _in_frame(x)


def _at_target(other: NDArray[Any], own: NDArray[Any], eye: Eye) -> tuple[Map, Mask]:
    """The other eye's disparity where each pixel lands (nearest column), and whether it lands in the frame."""
    columns = _columns(own, eye)
    inside = np.isfinite(columns) & _in_frame(columns)
    nearest = np.rint(np.where(inside, columns, 0)).astype(np.int64).clip(0, own.shape[1] - 1)
    return np.take_along_axis(other, nearest, axis=1).astype(np.float32), inside


def consistent(disparity_left: NDArray[Any], disparity_right: NDArray[Any], tolerance: float = 1.0) -> Mask:
    """Returns where the two maps agree: `(2, H, W)` bool for the left and the right view.

    A pixel agrees if the other map, where the pixel lands, names the same disparity up to `tolerance` px.

    Example:
        >>> left, right = np.full((1, 4), 1.0), np.full((1, 4), 1.0)
        >>> consistent(left, right)[0].tolist()
        [[False, True, True, True]]
    """
    masks = []
    directions: list[tuple[NDArray[Any], NDArray[Any], Eye]] = [
        (disparity_left, disparity_right, "left"),
        (disparity_right, disparity_left, "right"),
    ]
    for own, other, eye in directions:
        seen, inside = _at_target(other, own, eye)
        difference = np.abs(seen - own)
        masks.append(inside & np.isfinite(difference) & (np.nan_to_num(difference, nan=np.inf) <= tolerance))
    return np.stack(masks)


def forward_disparity(disparity_left: NDArray[Any]) -> Map:
    """Returns the right view's disparity `(H, W)` that the left map implies; NaN where no left pixel lands.

    Each left pixel lands on the two columns around x - d; of several the nearest surface stays (z-buffer).

    Example:
        >>> forward_disparity(np.array([[0.0, 0.0, 0.0, 2.0]])).tolist()
        [[0.0, 2.0, 0.0, nan]]
    """
    height, width = disparity_left.shape
    columns = _columns(disparity_left, "left")
    flat = np.full(height * width, -np.inf, dtype=np.float32)
    known = np.isfinite(columns)
    rows = np.broadcast_to(np.arange(height)[:, None] * width, columns.shape)[known]
    values = disparity_left[known].astype(np.float32)
    for landing in (np.floor(columns[known]), np.ceil(columns[known])):
        hit = (landing >= 0) & (landing < width)
        np.maximum.at(flat, rows[hit] + landing[hit].astype(np.int64), values[hit])
    return np.where(np.isneginf(flat), np.nan, flat).reshape(height, width).astype(np.float32)


def occlusion(disparity_left: NDArray[Any], disparity_right: NDArray[Any] | None = None) -> Mask:
    """Returns `(2, H, W)` bool, True where the other eye does not see the pixel: hidden, or outside the frame.

    With both true maps by the left-right check (1 px), with the left one alone by a z-buffer. A pixel of
    unknown disparity, or whose counterpart is unknown, is not called occluded; of the right view without a map,
    every pixel that no left pixel of known disparity lands on is.

    Example:
        >>> occlusion(np.array([[0.0, 0.0, 0.0, 2.0]])).tolist()
        [[[False, True, False, False]], [[False, False, False, True]]]
    """
    if disparity_right is None:
        buffer = forward_disparity(disparity_left)
        nearest, inside = _at_target(buffer, disparity_left, "left")
        hidden = np.nan_to_num(nearest - disparity_left, nan=0.0) > 1.0
        return np.stack([np.isfinite(disparity_left) & (hidden | ~inside), np.isnan(buffer)])
    masks = []
    agree = consistent(disparity_left, disparity_right)
    for index, (own, other) in enumerate([(disparity_left, disparity_right), (disparity_right, disparity_left)]):
        seen, inside = _at_target(other, own, "right" if index else "left")
        masks.append(np.isfinite(own) & ~agree[index] & (~inside | np.isfinite(seen)))
    return np.stack(masks)


def fill_from_farther_side(disparity: NDArray[Any], valid: Mask) -> Map:
    """Returns the map `(H, W)` with every invalid run of a row filled from its farther neighbour.

    What one eye does not see belongs to the background: of the two valid neighbours in the row the smaller
    disparity is taken. A row without any valid pixel takes the nearest row that has one; zeros if none has.

    Example:
        >>> rows = np.array([[5.0, 9.0, 9.0, 2.0]])
        >>> fill_from_farther_side(rows, np.array([[True, False, False, True]])).tolist()
        [[5.0, 2.0, 2.0, 2.0]]
    """
    known = np.where(valid & np.isfinite(disparity), disparity, np.nan).astype(np.float32)
    width = known.shape[1]
    good = np.isfinite(known)
    column = np.arange(width)
    before = np.maximum.accumulate(np.where(good, column, -1), axis=1)
    after = np.minimum.accumulate(np.where(good, column, width)[:, ::-1], axis=1)[:, ::-1]
    left = np.where(before >= 0, np.take_along_axis(known, before.clip(0), axis=1), np.inf)
    right = np.where(after < width, np.take_along_axis(known, after.clip(max=width - 1), axis=1), np.inf)
    filled = np.where(good, known, np.minimum(left, right))
    full = np.flatnonzero(good.any(axis=1))
    if not len(full):
        return np.zeros_like(known)
    rows = np.arange(len(filled))
    nearest = full[np.abs(rows[:, None] - full[None, :]).argmin(axis=1)]
    result: Map = filled[nearest].astype(np.float32)
    return result


def infer_disparity_scale(left: NDArray[np.uint8], right: NDArray[np.uint8], raw: NDArray[Any]) -> float:
    """Returns the divisor that turns a raw left disparity map into px, or 0.0 if the pictures do not tell.

    Every divisor in use (`SCALES`) is tried: the right view, warped by raw / divisor, must explain the left
    one. 0.0 is given when the best is not at least 10 % better than no disparity at all.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same.
        raw: `(H, W)`, the values of the file; 0, NaN and infinity are unknown.

    Example:
        >>> row = np.random.default_rng(0).integers(0, 256, (20, 80, 3), np.uint8)
        >>> infer_disparity_scale(row, np.roll(row, -3, axis=1), np.full((20, 80), 24.0))
        8.0
    """
    known = np.isfinite(raw) & (raw > 0)
    if not known.any():
        return 0.0
    disparity = np.where(known, raw, np.nan)

    def unexplained(divisor: float) -> float:
        seen, inside = warp(right, disparity / divisor, "left")
        error = np.abs(seen.astype(np.float32) - left).mean(axis=-1)
        # A pixel pushed out of the frame counts as wholly wrong, or a divisor that moves all of them out would
        # win; the worst 30 % are left out, because occluded pixels are wrong under the true divisor too.
        ranked = np.sort(np.where(inside, error, 255.0)[known])
        return float(ranked[: max(1, int(0.7 * len(ranked)))].mean())

    errors = {scale: unexplained(scale) for scale in SCALES}
    best = min(errors, key=lambda scale: errors[scale])
    return best if errors[best] < 0.9 * unexplained(np.inf) else 0.0


def vertical_offset(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> float:
    """Returns how many px lower the right view shows the scene (median over ORB matches), NaN if it can't be told.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same.

    Example:
        >>> texture = cv2.resize(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8), (400, 320))
        >>> round(vertical_offset(texture[2:], texture[:-2]))
        2
    """
    if min(*left.shape[:2], *right.shape[:2]) < 64:
        return float("nan")  # ORB needs 31 px around a point
    detector = cv2.ORB.create(nfeatures=1500, fastThreshold=10)
    (points_left, words_left), (points_right, words_right) = (
        detector.detectAndCompute(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), None) for p in (left, right)
    )
    if words_left is None or words_right is None:
        return float("nan")
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words_left, words_right)
    moves = np.array([np.subtract(points_right[m.trainIdx].pt, points_left[m.queryIdx].pt) for m in matches])
    height, width = left.shape[:2]
    plausible = [dy for dx, dy in moves if abs(dy) < 0.1 * height and abs(dx) < 0.4 * width]
    if len(plausible) < 12:
        return float("nan")
    median = float(np.median(plausible))
    agreeing = float(np.mean(np.abs(np.array(plausible) - median) <= 2.0))
    return median if agreeing >= 0.4 else float("nan")
