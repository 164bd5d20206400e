"""Contrast-blind classical matching: the eyes of an anaglyph show different colours, but the same edges.

Between red and green an edge may reverse its contrast; gradient magnitudes do not. OpenCV's semi-global matching
sums the costs of the channels that it is given, and three of them match coloured scenes that one intensity does not
(docs/protocol.md, baseline `sgbm_blind`). Disparity is in px, positive = near, NaN = unknown.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.stereo import Map, Mask, consistent, fill_from_farther_side

Eye = NDArray[np.float32]
Channels = NDArray[np.uint8]

SIGMA: Final = 6.0
"""Px of the Gaussian that structure is normalised over."""
GAIN: Final = 30.0
"""Codes per local standard deviation."""
BLOCK: Final = 5
SMALL_STEP: Final = 1800
LARGE_STEP: Final = 7200
"""Semi-global penalties: three times OpenCV's advice of 8 and 32 times channels times block²."""
COARSE_WIDTH: Final = 192
COARSE_REACH: Final = 0.25
"""Disparities of up to a quarter of the width, either sign, are looked for on a small copy."""
LEAST_SHARE: Final = 0.05
"""Share of the small copy on which both eyes must agree."""
MIN_SIDE: Final = 16


class Disparities(NamedTuple):
    """A match of both eyes.

    Attributes:
        maps: `(2, H, W)` float32 of the left and the right view in px; what the eyes do not agree on lies behind.
        agree: `(2, H, W)` bool, where both eyes name the same disparity.
        limits: Least and greatest disparity that was looked for, in px.
    """

    maps: Map
    agree: Mask
    limits: tuple[int, int]


def locally_normalised(channel: Eye, sigma: float = SIGMA) -> Eye:
    """Returns `(x - mean) / std` of the surroundings of each pixel of `(H, W)` codes, flat places near 0.

    Example:
        >>> round(abs(float(locally_normalised(np.full((9, 9), 77.0, np.float32))[4, 4])), 3)
        0.0
    """
    mean = cv2.GaussianBlur(channel, (0, 0), sigma)
    variance = cv2.GaussianBlur(channel * channel, (0, 0), sigma) - mean * mean
    return np.asarray((channel - mean) / np.sqrt(np.maximum(variance, 0) + 4.0), np.float32)


def structure(eye: Eye) -> Channels:
    """Returns what matching compares, `(H, W, 3)` uint8: gradient, gradient of the normalised picture, its magnitude.

    None of them tells an edge from dark to bright from one from bright to dark.

    Args:
        eye: `(H, W)` float32 in [0, 255].

    Example:
        >>> structure(np.full((9, 9), 77.0, np.float32))[4, 4].tolist()
        [128, 128, 128]
    """
    normalised = GAIN * locally_normalised(eye)
    parts = _gradient(eye), _gradient(normalised), np.abs(normalised)
    return np.stack([_codes(locally_normalised(part)) for part in parts], axis=-1)


def _gradient(channel: Eye) -> Eye:
    across, down = (cv2.Sobel(channel, cv2.CV_32F, *way) for way in ((1, 0), (0, 1)))
    return np.asarray(cv2.magnitude(across, down) / 2, np.float32)


def _codes(scores: Eye) -> Channels:
    return np.asarray(np.clip(128 + GAIN * scores, 0, 255), np.uint8)


def _one_way(own: Channels, other: Channels, low: int, count: int, mode: int) -> Map:
    """Disparity of `own`, seen from the left; NaN = no match. Its frame is widened so that no column is lost."""
    margins = max(0, low + count) + 8, max(0, -low) + 8
    wide = [cv2.copyMakeBorder(one, 0, 0, *margins, cv2.BORDER_REPLICATE) for one in (own, other)]
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=BLOCK,
        P1=SMALL_STEP,
        P2=LARGE_STEP,
        disp12MaxDiff=-1,
        preFilterCap=31,
        mode=mode,
    )
    raw = matcher.compute(*wide)[:, margins[0] : margins[0] + own.shape[1]]
    return np.where(raw < 16 * low, np.nan, raw / 16).astype(np.float32)


def match_channels(
    left: Channels, right: Channels, low: int, high: int, mode: int = cv2.STEREO_SGBM_MODE_HH4
) -> Disparities:
    """Returns the match of two eyes' structure in a known range, by OpenCV's semi-global matching, both ways.

    Args:
        left: `(H, W, 3)` of the left eye.
        right: Of the right eye.
        low: Least disparity in px.
        high: Greatest disparity.
        mode: OpenCV's.
    """
    count = 16 * max(1, -(-(high - low) // 16))
    own, other = (np.ascontiguousarray(one[:, ::-1]) for one in (right, left))
    with ThreadPoolExecutor(2) as pool:  # OpenCV works on each eye with one thread
        there = pool.submit(_one_way, own, other, low, count, mode)
        maps = [_one_way(left, right, low, count, mode), there.result()[:, ::-1]]
    agree = consistent(maps[0], maps[1])
    # Filled before the median, or gaps of no disparity eat into what is beside them.
    filled = [fill_from_farther_side(one, sure) for one, sure in zip(maps, agree, strict=True)]
    smooth = np.asarray([cv2.medianBlur(one, BLOCK) for one in filled], np.float32)
    return Disparities(smooth, agree, (low, low + count))


def disparity_range(left: Eye, right: Eye) -> tuple[int, int] | None:
    """Returns the least and the greatest disparity in px, both signs allowed, or None if nothing matches.

    It is the 2nd to 98th percentile of what both eyes agree on in a copy of 192 px, widened by at least 8 px.

    Args:
        left: `(H, W)` float32 in [0, 255], what the left eye shows.
        right: The right eye's.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 255, (60, 130)).astype(np.float32)
        >>> low, high = disparity_range(noise[:, 10:], noise[:, :-10])
        >>> low < -10 < high
        True
    """
    height, width = left.shape
    scale = min(1.0, COARSE_WIDTH / width)
    size = round(width * scale), max(MIN_SIDE, round(height * scale))
    small = [structure(reduced(one, *size)) for one in (left, right)]
    reach = int(size[0] * COARSE_REACH)
    maps, agree, _ = match_channels(small[0], small[1], -reach, reach)
    if agree.mean() < LEAST_SHARE:
        return None
    low, high = np.percentile(maps[agree], [2, 98]) / scale
    margin = max(8.0, 0.06 * (high - low), 1.5 / scale)
    return int(np.floor(low - margin)), int(np.ceil(high + margin))


def reduced(channel: Eye, width: int, height: int) -> Eye:
    """Returns the channel `(h, w)` at a smaller size, by area; as it is if it has this size."""
    if channel.shape == (height, width):
        return channel
    return np.asarray(cv2.resize(channel, (width, height), interpolation=cv2.INTER_AREA), np.float32)


def match_blind(left: Eye, right: Eye, scale: float = 1.0) -> Disparities | None:
    """Returns the match of two eyes at their own size, or None if nothing matches. The range is found.

    Args:
        left: `(H, W)` float32 in [0, 255], what the left eye shows, in whatever colour.
        right: The right eye's.
        scale: Of the copy that is matched. JPEG 4:2:0 mixes the eyes' finest detail: at half size it does not show.

    Example:
        >>> noise = np.random.default_rng(0).uniform(0, 255, (60, 130)).astype(np.float32)
        >>> found = match_blind(noise[:, 10:], 255 - noise[:, :-10])
        >>> float(np.median(found.maps[found.agree]))
        -10.0
    """
    if min(left.shape) < MIN_SIDE or min(float(left.std()), float(right.std())) < 0.5:
        return None
    limits = disparity_range(left, right)
    if limits is None:
        return None
    height, width = left.shape
    size = max(MIN_SIDE, round(width * scale)), max(MIN_SIDE, round(height * scale))
    factor = size[0] / width
    channels = [structure(reduced(one, *size)) for one in (left, right)]
    small = match_channels(channels[0], channels[1], *(int(np.floor(end * factor)) for end in limits))
    if factor == 1.0:
        return small
    maps = [cv2.resize(one, (width, height), interpolation=cv2.INTER_NEAREST) / factor for one in small.maps]
    agree = [cv2.resize(one.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) for one in small.agree]
    return Disparities(np.stack(maps).astype(np.float32), np.stack(agree).astype(bool), limits)
