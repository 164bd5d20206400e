"""From descriptors of two views to disparities: correlation along rows, attention, semi-global aggregation, warping.

Everything here is in the frame of one view, "own", that sees a point at x where the "other" sees it at x - d. A right
view becomes such a left one by mirroring both: each eye in turn is the left eye of a mirrored scene.
"""

import itertools
from typing import NamedTuple

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


def soft_warp(weights: Tensor, other: Tensor, low: int) -> Tensor:
    """Returns `(B, K, H, W)`: at own x, the sum over d of its weight times other x - d; the reverse of `correlation`.

    What lies outside the picture is 0.

    Args:
        weights: `(B, H, W, D)`, of the disparities from `low` on; D is greater than -`low`.
        other: `(B, K, H, W)`.
        low: Least disparity.

    Example:
        >>> weights = torch.tensor([0.0, 0.5, 0.5]).expand(1, 1, 4, 3)  # of the disparities -1, 0, 1
        >>> soft_warp(weights, torch.tensor([[[[2.0, 4.0, 6.0, 8.0]]]]), -1).flatten().tolist()
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


class Attended(NamedTuple):
    """What the other view says of each pixel of the own one.

    Attributes:
        scores: `(B, H, W, D)`, logits of the disparities.
        features: `(B, C, H, W)`, the other view's features, warped.
        disparity: `(B, 1, H, W)` in px, the mean under the attention.
        certainty: `(B, 1, H, W)` in [0, 1], the weight within one px of the most likely disparity.
    """

    scores: Tensor
    features: Tensor
    disparity: Tensor
    certainty: Tensor


def row_attention(own: Tensor, other: Tensor, features: Tensor, low: int, high: int, sharpness: float) -> Attended:
    """Returns what is found at x - d in the other view for d = low … high, weighted by likeness.

    A pixel looks for itself in its row of the other view (parallax attention, Wang et al. 2019).

    Args:
        own: `(B, C, H, W)` unit vectors, the queries.
        other: `(B, C, H, W)` unit vectors of the other view, the keys.
        features: `(B, K, H, W)` of the other view, the values.
        low: Least disparity.
        high: Greatest disparity.
        sharpness: What the products are multiplied by to be logits.

    Example:
        >>> own = torch.eye(4)[None, :, None]  # pixel x has descriptor x
        >>> found = row_attention(own, own.roll(-1, -1), own.roll(-1, -1), 0, 2, 50.0)
        >>> found.disparity.flatten().round().tolist()[1:]
        [1.0, 1.0, 1.0]
    """
    scores = sharpness * correlation(own, other, low, high)
    width = own.shape[-1]
    place = torch.arange(width, device=own.device)[:, None] - torch.arange(low, high + 1, device=own.device)
    scores = scores.masked_fill((place < 0) | (place > width - 1), -sharpness)
    weights = scores.softmax(-1)
    shifts = torch.arange(low, high + 1, device=own.device, dtype=weights.dtype)
    near = 3 * F.avg_pool1d(weights.flatten(0, 2)[:, None], 3, stride=1, padding=1).amax(-1)
    disparity = (weights * shifts).sum(-1)[:, None]
    return Attended(scores, soft_warp(weights, features, low), disparity, near.reshape(disparity.shape).clamp(max=1))


def disparity_loss(scores: Tensor, truth: Tensor, hidden: Tensor, low: int) -> Tensor:
    """Returns the cross-entropy, in nats, of logits against true disparities; 0 where none is known.

    Args:
        scores: `(B, H, W, D)`, logits of the disparities from `low` on, in px.
        truth: `(B, H, W)` px, NaN = unknown.
        hidden: `(B, H, W)` bool, True where the other view does not show the pixel.
        low: The first disparity.

    Example:
        >>> disparity_loss(torch.zeros(1, 1, 1, 4), torch.full((1, 1, 1), 1.5), torch.zeros(1, 1, 1).bool(), 0).item()
        1.3862943649291992
    """
    place, count = truth - low, scores.shape[-1]
    known = place.isfinite() & ~hidden & (place >= 0) & (place <= count - 1)
    lower = torch.where(known, place, 0.0).floor().clamp(max=count - 2)
    share = torch.where(known, place - lower, 0.0)
    chance = scores.log_softmax(-1)
    first, second = (chance.gather(-1, (lower.long() + step)[..., None])[..., 0] for step in (0, 1))
    return (-((1 - share) * first + share * second) * known).sum() / known.sum().clamp(min=1)


def aggregate(cost: Tensor, small: float, large: float) -> Tensor:
    """Returns the costs `(B, H, W, D)` summed over the paths from left, right, top and bottom (Hirschmüller 2008).

    Along a path r, L(p, d) = C(p, d) + min(L(q, d), L(q, d ± 1) + P1, min L(q) + P2) - min L(q), q the pixel before p.

    Args:
        cost: `(B, H, W, D)`, matching cost of each of D neighbouring disparities.
        small: P1, the price of a step of one disparity.
        large: P2, the price of any larger jump.

    Example:
        >>> cost = torch.ones(1, 1, 5, 3)
        >>> cost[:, :, ::2, 1] = 0  # every second pixel knows its disparity, its neighbours take it over
        >>> aggregate(cost, 0.5, 1.0).argmin(-1).flatten().tolist()
        [1, 1, 1, 1, 1]
    """
    along_rows = _both_paths(cost.permute(2, 0, 1, 3), small, large).permute(1, 2, 0, 3)
    along_columns = _both_paths(cost.permute(1, 0, 2, 3), small, large).permute(1, 0, 2, 3)
    return along_rows + along_columns


def _both_paths(cost: Tensor, small: float, large: float) -> Tensor:
    """Sums the two paths along the first axis of `(N, B, M, D)`; both advance in the same operations."""
    paths = torch.stack([cost, cost.flip(0)], dim=1).contiguous()
    above = paths.new_full((*paths.shape[1:-1], paths.shape[-1] + 2), large)  # with a border of no way in
    same, less, more = above[..., 1:-1], above[..., :-2], above[..., 2:]
    for before, here in itertools.pairwise(paths):
        torch.sub(before, before.amin(-1, keepdim=True), out=same)
        same.clamp_(max=large)
        here.add_(torch.minimum(torch.minimum(less, more).add_(small), same))
    forward, backward = paths.unbind(1)
    return forward + backward.flip(0)


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
