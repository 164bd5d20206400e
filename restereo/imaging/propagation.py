"""Colours of what one eye alone sees: filled from seen places, guided by the channels that the eye has itself.

The eye's own channels are known everywhere, the others where the other eye sees the same place. There a local linear
model, missing = slope · own + offset, is fitted among seen pixels that lie near and have about the same own value (a
bilateral grid, Chen et al. 2007, that holds the moments of a guided filter, He et al. 2010), and applied to the unseen.
What hides a place from the other eye, and the anaglyph itself, never lend it colours.
"""

from itertools import product
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

SAMPLES: Final = 2.5e5
"""Pixels that a model is fitted to, at most: of larger pictures every second or third of a row, and of the rows."""
CELL: Final = 6
"""Samples along a side of the grid's cells. This and what follows was settled on 14 pairs of Middlebury 2005 and 2006
and on generated scenes; all of it is flat: half or twice changes .1 dB."""
SHADES: Final = 16
"""Cells over the range of the own channel."""
COARSER: Final = 4
LEVELS: Final = 3
"""Grids, each with cells `COARSER` times as wide as the one before."""
BACKING: Final = 0.02
"""Weight of the coarser grid's model, in seen pixels of a cell of the finer one, per pixel of the cell's area."""
RIDGE: Final = 3e-4
"""Variance of the own channel, of 1, under which the slope is that of the coarser grid."""
EDGE: Final = np.ones((3, 3), np.uint8)
"""Seen pixels this near to unseen ones are not learnt from: at edges the eyes mix what is before and behind."""


def propagate(guide: Floats, colours: Floats, seen: Mask) -> Floats:
    """Returns the colours `(H, W, C)` float32 with what was not seen filled in; what was seen is kept.

    Args:
        guide: `(H, W)` or `(H, W, K)` in [0, 1], the eye's own channels, known everywhere.
        colours: `(H, W, C)` in [0, 1], such as the other eye's channels, warped. What is not seen is not looked at.
        seen: `(H, W)` bool, the places that have a counterpart in the other eye. Without any, the mean of the own
            channels fills everything.

    Example:
        >>> guide = np.tile(np.linspace(0, 1, 32, dtype=np.float32), (32, 1))
        >>> colours = np.stack([guide / 2, 1 - guide], axis=-1)
        >>> seen = np.ones((32, 32), bool)
        >>> seen[8:20, 8:20] = False
        >>> filled = propagate(guide, np.where(seen[..., None], colours, 1), seen)
        >>> bool(np.abs(filled - colours).max() < 0.01)
        True
    """
    height, width = seen.shape
    guide = guide.reshape(height, width, -1)
    filled = colours.astype(np.float32)
    rows, columns = np.nonzero(~seen)
    if not len(rows):
        return filled
    step = max(1, round((height * width / SAMPLES) ** 0.5))
    learnt = cv2.erode(seen.astype(np.uint8), EDGE, borderValue=(1,))[::step, ::step] > 0
    if not learnt.any():
        filled[rows, columns] = guide[rows, columns].mean(-1, keepdims=True)
        return filled
    own = guide[rows, columns]
    place = np.stack([rows / (step * CELL), columns / (step * CELL), own.mean(-1) * (SHADES - 1)], axis=1)
    model = _interpolated(_model(_moments(guide[::step, ::step], filled[::step, ::step], learnt)), place)
    filled[rows, columns] = np.clip(model[:, 0] + np.einsum("nk,nkc->nc", own, model[:, 1:]), 0, 1)
    return filled


def _moments(guide: Floats, colours: Floats, learnt: Mask) -> Floats:
    """Returns the sums of (1, own)ᵀ (1, own, missing) in each cell: `(rows, columns, SHADES, 1 + K, 1 + K + C)`."""
    y, x = np.nonzero(learnt)
    own = guide[y, x]
    ones = np.ones((len(y), 1), np.float32)
    products = np.concatenate([ones, own], 1)[:, :, None] * np.concatenate([ones, own, colours[y, x]], 1)[:, None]
    # A row and a column of cells beyond the last, and whole cells on every level.
    shape = (
        *(COARSER ** (LEVELS - 1) * -(-(side // CELL + 2) // COARSER ** (LEVELS - 1)) for side in learnt.shape),
        SHADES,
    )
    shade = np.rint(own.mean(-1) * (SHADES - 1)).astype(np.intp).clip(0, SHADES - 1)
    cell = np.ravel_multi_index((np.rint(y / CELL).astype(np.intp), np.rint(x / CELL).astype(np.intp), shade), shape)
    sums = [np.bincount(cell, weights, int(np.prod(shape))) for weights in products.reshape(len(y), -1).T]
    return np.stack(sums, -1).astype(np.float32).reshape(*shape, *products.shape[1:])


def _model(moments: Floats) -> Floats:
    """Returns offset and slopes `(rows, columns, SHADES, 1 + K, C)` of each cell, from coarse cells to fine ones."""
    levels = [moments]
    for _ in range(LEVELS - 1):
        rows, columns = levels[-1].shape[:2]
        parts = levels[-1].reshape(rows // COARSER, COARSER, columns // COARSER, COARSER, *moments.shape[2:])
        levels.append(parts.sum((1, 3)))
    whole, own = moments.sum((0, 1, 2)), moments.shape[3]
    mean, slope = whole / whole[0, 0], np.zeros((own - 1, whole.shape[1] - own), np.float32)
    for level in range(LEVELS - 1, -1, -1):
        near = gaussian_filter(levels[level], (1, 1, 1, 0, 0), truncate=2.0, mode="constant")
        near = near / (CELL * COARSER**level) ** 2 + BACKING * mean
        mean = near / near[..., :1, :1]
        slope = _slope(mean, slope)
        if level:
            mean, slope = _finer(mean), _finer(slope)
    offset = mean[..., :1, own:] - mean[..., :1, 1:own] @ slope
    return np.concatenate([offset, slope], axis=-2)


def _slope(mean: Floats, coarser: Floats) -> Floats:
    """Returns the ridge regression's slope `(…, K, C)` of mean moments, drawn to the coarser one."""
    own = mean.shape[-2]
    covariance = mean[..., 1:, 1:] - mean[..., 1:, :1] * mean[..., :1, 1:]
    ridge = np.float32(RIDGE) * np.eye(own - 1, dtype=np.float32)
    return np.linalg.solve(covariance[..., : own - 1] + ridge, covariance[..., own - 1 :] + np.float32(RIDGE) * coarser)


def _finer(grid: Floats) -> Floats:
    """Returns what the coarser grid says of the cells of the next finer one, smoothly."""
    blocks = grid.repeat(COARSER, 0).repeat(COARSER, 1)
    return np.asarray(uniform_filter(blocks, (COARSER + 1, COARSER + 1, 1, 1, 1), mode="nearest"), np.float32)


def _interpolated(grid: Floats, at: NDArray[np.floating]) -> Floats:
    """Returns the trilinear values `(N, …)` of a grid at places `(N, 3)`, which are moved into it."""
    at = np.clip(at, 0, np.array(grid.shape[:3]) - 1)
    low = np.minimum(at.astype(np.intp), np.array(grid.shape[:3]) - 2).clip(0)
    part = (at - low).astype(np.float32)
    total = np.zeros((len(at), *grid.shape[3:]), np.float32)
    for corner in product((0, 1), repeat=3):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        index = np.minimum(low + corner, np.array(grid.shape[:3]) - 1)
        total += weight[:, None, None] * grid[tuple(index.T)]
    return total
