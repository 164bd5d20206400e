"""Disparity between the two channels of an anaglyph, by OpenCV's semi-global block matching.

The constants were settled on training pairs (Middlebury 2005/2006, KITTI, Virtual KITTI) and are frozen: the
baseline that stands on them must not move.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.geometry import Map, Mask, consistent

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

    The range is not told but found. Very large pictures are matched at a smaller size. If JPEG mixed the eyes'
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
