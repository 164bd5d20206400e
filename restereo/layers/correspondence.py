"""From descriptors of two views to disparities: correlation along rows, subpixel minimum, consistency, filling, warp.

Everything here is in the frame of one view, "own", that sees a point at x where the "other" sees it at x - d. A right
view becomes such a left one by mirroring both: each eye in turn is the left eye of a mirrored scene.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

ROWS = 32
"""Rows correlated at a time, so that the products of all their columns stay small."""


def correlation(own: Tensor, other: Tensor, low: int, high: int) -> Tensor:
    """Returns the dot products `(B, H, W, high - low + 1)` of own x with other x - d for d = low … high.

    Where x - d lies outside the picture it is 0.

    Args:
        own: `(B, C, H, W)` descriptors.
        other: `(B, C, H, W)`.
        low: Least disparity.
        high: Greatest disparity, at least `low`.

    Example:
        >>> own = torch.eye(4)[None, :, None]  # pixel x has descriptor x
        >>> correlation(own, own.roll(1, -1), -1, 1)[0, 0, 1].tolist()  # other x + 1 shows own x
        [1.0, 0.0, 0.0]
    """
    batch, _, height, width = own.shape
    count = high - low + 1
    mine = own.permute(0, 2, 3, 1).reshape(batch * height, width, -1)
    theirs = other.permute(0, 2, 1, 3).reshape(batch * height, -1, width)
    # Column x + (high - d) of the padded rows is other x - d: for fixed x they lie side by side.
    theirs = F.pad(theirs, (high, -low))
    parts = []
    for some, others in zip(mine.split(ROWS), theirs.split(ROWS), strict=True):
        products = some @ others
        rows, _, padded = products.shape
        band = products.as_strided((rows, width, count), (width * padded, padded + 1, 1))
        parts.append(band.flip(-1))
    return torch.cat(parts).reshape(batch, height, width, count).float()


def brought_over(weights: Tensor, other: Tensor, low: int) -> Tensor:
    """Returns `(B, K, H, W)`: at own x, the sum over d of its weight times other x - d; the reverse of `correlation`.

    Where x - d lies outside the picture nothing is brought.

    Args:
        weights: `(B, H, W, D)`, of the disparities from `low` on; D is greater than -`low`.
        other: `(B, K, H, W)`.
        low: Least disparity.

    Example:
        >>> weights = torch.tensor([0.0, 0.5, 0.5]).expand(1, 1, 4, 3)  # of the disparities -1, 0, 1
        >>> brought_over(weights, torch.tensor([[[[2.0, 4.0, 6.0, 8.0]]]]), -1).flatten().tolist()
        [1.0, 3.0, 5.0, 7.0]
    """
    batch, height, width, count = weights.shape
    theirs = F.pad(other.permute(0, 2, 1, 3).flatten(0, 1), (low + count - 1, -low)).mT
    parts = []
    for some, others in zip(weights.flatten(0, 1).split(ROWS), theirs.split(ROWS), strict=True):
        # With `width` zeros behind, cut into rows shorter by one: each begins a column further right than the last.
        band = F.pad(some.flip(-1), (0, width)).flatten(1)[:, :-width].unflatten(1, (width, width + count - 1))
        parts.append(band @ others)
    return torch.cat(parts).reshape(batch, height, width, -1).permute(0, 3, 1, 2).float()


def subpixel_minimum(cost: Tensor, low: int) -> Tensor:
    """Returns the disparity `(B, H, W)` of least cost, refined by the parabola through its neighbours.

    Args:
        cost: `(B, H, W, D)`, D at least 3.
        low: Disparity of the first entry.

    Example:
        >>> cost = torch.tensor([4.0, 1.0, 2.0]).reshape(1, 1, 1, 3)
        >>> subpixel_minimum(cost, 10).item()
        11.25
    """
    best = cost.argmin(-1, keepdim=True)
    inner = best.clamp(1, cost.shape[-1] - 2)
    before, here, after = (cost.gather(-1, inner + step) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    offset = torch.where(bend > 0, (before - after) / (2 * bend).clamp(min=1e-6), 0.0).clamp(-0.5, 0.5)
    return (low + best + torch.where(best == inner, offset, 0.0))[..., 0]


def warp(picture: Tensor, disparity: Tensor) -> Tensor:
    """Returns `(B, C, H, W)`: what the other view shows where own x is seen, at x - d, linear between its columns.

    Beyond the border the last column is repeated.

    Args:
        picture: `(B, C, H, W)` of the other view.
        disparity: `(B, H, W)` of the own view in px.

    Example:
        >>> warp(torch.arange(4.0).reshape(1, 1, 1, 4), torch.full((1, 1, 4), 0.5)).flatten().tolist()
        [0.0, 0.5, 1.5, 2.5]
    """
    width = picture.shape[3]
    column = (torch.arange(width, device=picture.device) - disparity).clamp(0, width - 1)
    lower = column.floor().clamp(max=max(width - 2, 0))
    share = (column - lower)[:, None]
    index = lower.long()[:, None].expand(-1, picture.shape[1], -1, -1)
    first, second = picture.gather(3, index), picture.gather(3, (index + 1).clamp(max=width - 1))
    return first + share * (second - first)


def discrepancy(own: Tensor, other: Tensor) -> Tensor:
    """Returns `(B, H, W)` in px: how far the disparity that the other view has at x - d lies from own d.

    It is `inf` where x - d is outside the picture.

    Example:
        >>> discrepancy(torch.ones(1, 1, 3), torch.tensor([[[1.0, 2.0, 1.0]]])).flatten().tolist()
        [inf, 0.0, 1.0]
    """
    width = own.shape[-1]
    column = (torch.arange(width, device=own.device) - own).round()
    outside = (column < 0) | (column > width - 1)
    seen = other.gather(2, column.clamp(0, width - 1).long())
    return torch.where(outside, torch.inf, (own - seen).abs())


def fill_from_farther(disparity: Tensor, valid: Tensor) -> Tensor:
    """Returns `(B, H, W)` with gaps filled from the nearest valid pixel of the row on the farther side.

    What one eye cannot see belongs to what lies behind. A row without a valid pixel becomes 0.

    Args:
        disparity: `(B, H, W)`; larger = nearer.
        valid: `(B, H, W)` bool.

    Example:
        >>> valid = torch.tensor([[[True, False, False, True]]])
        >>> fill_from_farther(torch.tensor([[[1.0, 9.0, 9.0, 5.0]]]), valid).tolist()
        [[[1.0, 1.0, 1.0, 5.0]]]
    """
    width = disparity.shape[-1]
    place = torch.arange(width, device=disparity.device).expand_as(disparity)
    left = torch.where(valid, place, -1).cummax(-1).values
    right = width - 1 - torch.where(valid, width - 1 - place, -1).flip(-1).cummax(-1).values.flip(-1)
    known = [
        torch.where(i.clamp(0, width - 1) == i, disparity.gather(-1, i.clamp(0, width - 1)), torch.inf)
        for i in (left, right)
    ]
    filled = torch.minimum(*known)
    return torch.where(filled.isinf(), 0.0, filled)
