"""Two views along their rows: warping, visibility, consistency, classical matching, and how well the eyes match.

Disparity is in px, positive = near: the left pixel x is seen in the right view at x - d, the right pixel x in
the left view at x + d. NaN = unknown. Both signs are legal.

The match is OpenCV's semi-global block matching. Its constants were settled on training pairs (Middlebury 2005/2006,
KITTI, Virtual KITTI) and are frozen: the baseline that stands on them must not move.
"""

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Eye = Literal["left", "right"]
Map = NDArray[np.float32]
Mask = NDArray[np.bool_]
SIGMA: Final = 4.0
"""Px of the Gaussian that brightness and contrast are taken over."""
GAIN: Final = 40.0
"""Codes per local standard deviation."""
SHARED_DETAIL: Final = 0.35
"""Correlation of the finest detail above which it was shared by JPEG 4:2:0 (clean pairs: at most .21; JPEG: .45)."""
COARSE_WIDTH: Final = 320
COARSE_REACH: Final = 0.25
"""Disparities of up to a quarter of the width, either sign, are looked for on the small picture."""
CELLS: Final = 1.5e8
"""Pixels times disparities that one match may hold (2 bytes each, twice)."""
MIN_SIDE: Final = 16
GRADIENT_SIGMA = 4.0
"""Px of the Gaussian that gradients are normalised over."""
LEAST_MATCH_SHARE = 0.65
"""Share of matched pixels under which two eyes are taken for different scenes
(tests/pipelines/validation/shuffled.py)."""


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


def normalised(channel: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Returns `(x - mean) / std` of the surroundings (sigma 4), 40 codes a unit around 128, uint8.

    The two eyes of an anaglyph differ in colour, so only local structure compares.

    Args:
        channel: `(H, W)` float32, values in [0, 255].

    Example:
        >>> int(normalised(np.full((9, 9), 77.0, np.float32))[4, 4])
        128
    """
    mean = cv2.GaussianBlur(channel, (0, 0), SIGMA)
    variance = cv2.GaussianBlur(channel * channel, (0, 0), SIGMA) - mean * mean
    score = (channel - mean) / np.sqrt(np.maximum(variance, 0) + 4.0)
    return np.clip(128 + GAIN * score, 0, 255).astype(np.uint8)


def shared_detail(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Returns the correlation in [-1, 1] of what is finer than 2 px, at the same place; 0.0 if there is none.

    JPEG 4:2:0 keeps fine detail of the sum of all channels only, so each eye then carries the other's at
    zero disparity.

    Args:
        left: `(H, W)` float32, the left eye's channel.
        right: The right eye's.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
        >>> round(shared_detail(noise, noise), 3), abs(shared_detail(noise, noise[::-1])) < 0.1
        (1.0, True)
    """
    fine = [(x - cv2.GaussianBlur(x, (0, 0), 1.0)).ravel() for x in (left, right)]
    power = float(np.sqrt(np.dot(fine[0], fine[0]) * np.dot(fine[1], fine[1])))
    return float(np.dot(fine[0], fine[1])) / power if power > 1e-4 * left.size else 0.0


def _one_way(own: NDArray[np.uint8], other: NDArray[np.uint8], low: int, count: int) -> Map:
    """Disparity of `own`, seen from the left; NaN = no match. Its frame is widened so that no column is lost."""
    margins = max(0, low + count) + 8, max(0, -low) + 8
    wide = [cv2.copyMakeBorder(x, 0, 0, *margins, cv2.BORDER_REPLICATE) for x in (own, other)]
    block = 5
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=block,
        P1=3 * 8 * block**2,
        P2=3 * 32 * block**2,
        disp12MaxDiff=-1,
        preFilterCap=31,
        mode=cv2.STEREO_SGBM_MODE_HH,
    )
    raw = matcher.compute(*wide)[:, margins[0] : margins[0] + own.shape[1]]
    return np.where(raw < 16 * low, np.nan, raw / 16).astype(np.float32)


def _both_ways(left: NDArray[np.uint8], right: NDArray[np.uint8], low: int, high: int) -> tuple[Map, Mask]:
    count = 16 * max(1, -(-(high - low) // 16))
    own, other = (np.ascontiguousarray(x[:, ::-1]) for x in (right, left))
    maps = [_one_way(left, right, low, count), _one_way(own, other, low, count)[:, ::-1]]
    return np.stack(maps), consistent(maps[0], maps[1])


def _resized(channel: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    return cv2.resize(channel, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)


def disparity_range(left: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[int, int] | None:
    """Returns the least and the greatest disparity in px, both signs allowed, or None if nothing matches.

    A match over a quarter of the width either way on a small picture, of which the left-right consistent 2nd
    to 98th percentile is taken, widened by at least 8 px.

    Args:
        left: `(H, W)` float32, the left eye's channel, values in [0, 255].
        right: The right eye's.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 255, (60, 130)).astype(np.float32)
        >>> disparity_range(noise[:, 10:], noise[:, :-10])
        (-18, -2)
    """
    height, width = left.shape
    scale = min(1.0, COARSE_WIDTH / width)
    size = round(width * scale), max(MIN_SIDE, round(height * scale))
    small = [normalised(_resized(x, *size)) for x in (left, right)]
    reach = int(size[0] * COARSE_REACH)
    maps, good = _both_ways(small[0], small[1], -reach, reach)
    if good.mean() < 0.05:
        return None
    low, high = np.percentile(maps[good], [2, 98]) / scale
    margin = max(8.0, 0.05 * (high - low))
    return int(np.floor(low - margin)), int(np.ceil(high + margin))


def match(left: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Map, Mask] | None:
    """Returns the disparities `(2, H, W)` of both views and where they agree, or None if nothing matches.

    The range is found. Very large pictures are matched at a smaller size. If JPEG mixed the eyes'
    fine detail, both are blurred first.

    Args:
        left: `(H, W)` float32, the left eye's channel, values in [0, 255].
        right: The right eye's.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 255, (60, 130)).astype(np.float32)
        >>> maps, agree = match(noise[:, 10:], noise[:, :-10])
        >>> float(np.median(maps[agree]))
        -10.0
    """
    if min(left.shape) < MIN_SIDE or min(float(left.std()), float(right.std())) < 0.5:
        return None
    if shared_detail(left, right) > SHARED_DETAIL:
        left, right = (cv2.GaussianBlur(x, (0, 0), 2.0).astype(np.float32) for x in (left, right))
    limits = disparity_range(left, right)
    if limits is None:
        return None
    height, width = left.shape
    scale = min(1.0, (CELLS / (width * height * (limits[1] - limits[0]))) ** (1 / 3))
    size = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    scale = size[0] / width
    low, high = int(np.floor(limits[0] * scale)), int(np.ceil(limits[1] * scale))
    if scale == 1.0:
        return _both_ways(normalised(left), normalised(right), low, high)
    small = [normalised(_resized(x, *size)) for x in (left, right)]
    maps, agree = _both_ways(small[0], small[1], low, high)
    large = [cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST) / scale for m in maps]
    masks = [cv2.resize(m.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) for m in agree]
    return np.stack(large).astype(np.float32), np.stack(masks).astype(bool)


def unrelated(match_share: float) -> bool:
    """Returns whether so small a share of matched pixels says that the eyes show different scenes.

    Args:
        match_share: Share of pixels, in [0, 1], for which both eyes name the same match.

    Example:
        >>> unrelated(0.3), unrelated(0.9)
        (True, False)
    """
    return match_share < LEAST_MATCH_SHARE


def normalised_gradients(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """Returns the gradient's magnitude over its local mean, `(H, W)`: edges compare where colours do not.

    Args:
        channel: `(H, W)` float32 in [0, 255].

    Example:
        >>> float(normalised_gradients(np.full((9, 9), 7.0, np.float32)).max())
        0.0
    """
    across, down = (cv2.Sobel(channel, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    magnitude = np.hypot(across, down)
    return np.asarray(magnitude / (cv2.GaussianBlur(magnitude, (0, 0), GRADIENT_SIGMA) + 4.0), np.float32)


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
    theirs, inside = warp(normalised_gradients(right), disparity, "left")
    chosen = matched & inside
    ours = normalised_gradients(left)[chosen]
    if ours.size < 100 or min(float(ours.std()), float(theirs[chosen].std())) < 1e-6:
        return 0.0
    return float(np.corrcoef(ours, theirs[chosen])[0, 1])


def color_difference(left: NDArray[Any], right: NDArray[Any], disparity: Map, matched: Mask) -> float | None:
    """Returns by how much two views differ in colour where they match: the median of |left - right|, mean of channels.

    Args:
        left: `(H, W, 3)`, the left view.
        right: The right one.
        disparity: `(H, W)` of the left view in px.
        matched: `(H, W)` bool, the pixels to look at; None is returned if there are none.

    Example:
        >>> view = np.random.default_rng(0).uniform(0, 255, (20, 60, 3)).astype(np.float32)
        >>> shift = np.full((20, 50), 10.0, np.float32)
        >>> color_difference(view[:, :-10], view[:, 10:] + 5, -shift, np.zeros((20, 50), bool)) is None
        True
        >>> round(color_difference(view[:, :-10], view[:, 10:] + 5, shift, np.ones((20, 50), bool)), 3)
        5.0
    """
    theirs, inside = warp(right, disparity, "left")
    chosen = matched & inside
    if not chosen.any():
        return None
    return float(np.median(np.abs(left[chosen].astype(np.float32) - theirs[chosen]).mean(axis=1)))
