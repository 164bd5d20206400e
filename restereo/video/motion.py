"""What moved between two frames of a film: where each pixel was before, and how sure that is."""

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Field = NDArray[np.float32]

FLOW_WIDTH = 480
"""Motion is looked for on a picture of at most this width, by dense inverse search (Kroeger et al. 2016)."""
NOISE = 10.0
"""Codes by which a pixel may differ from where it came from and still be half trusted: grain and coding."""
CUT_SHARE = 0.3
"""Where less than this share of a frame is found in the one before, a new scene has begun."""


def motion(now: Grey, before: Grey) -> Field:
    """Returns `(H, W, 2)` px: pixel (x, y) now was at (x, y) + motion before.

    Args:
        now: `(H, W)` uint8.
        before: Likewise.

    Example:
        >>> wall = cv2.resize(np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8), (120, 80))
        >>> moved = motion(wall[:, 4:104], wall[:, :100])  # what is at x now was at x + 4 before
        >>> bool(np.abs(np.median(moved[..., 0]) - 4) < 0.5)
        True
    """
    height, width = now.shape
    scale = min(1.0, FLOW_WIDTH / width)
    size = max(16, round(width * scale)), max(16, round(height * scale))
    small = [cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (now, before)]
    searcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    flow = searcher.calc(small[0], small[1], np.zeros((size[1], size[0], 2), np.float32))
    large = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    moved: Field = large * np.array([width / size[0], height / size[1]], np.float32)
    return moved


def fetched(image: NDArray[np.float32], moved: Field, smooth: bool = True) -> NDArray[np.float32]:
    """Returns the image `(H, W)` or `(H, W, C)` float32 of before, laid on now; at the border it is repeated.

    Args:
        image: Of before.
        moved: From `motion`.
        smooth: Whether to interpolate; a map of classes, or of disparities with edges, is not to be.

    Example:
        >>> fetched(np.array([[1.0, 2.0, 3.0]], np.float32), np.ones((1, 3, 2), np.float32) * [1, 0]).tolist()
        [[2.0, 3.0, 3.0]]
    """
    height, width = image.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    place = columns + moved[..., 0].astype(np.float32), rows + moved[..., 1].astype(np.float32)
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.remap(image, *place, how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def trust(now: Grey, before: Grey, moved: Field) -> NDArray[np.float32]:
    """Returns `(H, W)` in [0, 1]: how well what was before, moved, is what is now.

    Example:
        >>> still = np.zeros((16, 16, 2), np.float32)
        >>> dark, light = np.zeros((16, 16), np.uint8), np.full((16, 16), 99, np.uint8)
        >>> float(trust(dark, dark, still).min()), float(trust(dark, light, still).max()) < 0.01
        (1.0, True)
    """
    off = now.astype(np.float32) - fetched(before.astype(np.float32), moved)
    around = np.asarray(cv2.GaussianBlur(off * off, (0, 0), 1.5), np.float32)
    return np.asarray(np.exp2(-around / NOISE**2), np.float32)


def is_cut(trusted: NDArray[np.float32]) -> bool:
    """Returns whether so little is found again that a new scene has begun.

    Example:
        >>> is_cut(np.zeros((4, 4), np.float32)), is_cut(np.ones((4, 4), np.float32))
        (True, False)
    """
    return bool((trusted > 0.5).mean() < CUT_SHARE)
