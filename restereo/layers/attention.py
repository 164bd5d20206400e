"""Attention along rows (parallax attention, Wang et al. 2019): a pixel looks for itself in its row of the other view.

It stands on the same products as the anaglyph network's matching (`correspondence.correlation`), and like there every
eye is the left one of a mirrored scene.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from restereo.layers.correspondence import brought_over, correlation


class Attended(NamedTuple):
    """What the other view says of each pixel of the own one.

    Attributes:
        scores: `(B, H, W, D)`, logits of the disparities.
        features: `(B, C, H, W)`, the other view's features, brought over.
        disparity: `(B, 1, H, W)` in px, the mean under the attention.
        certainty: `(B, 1, H, W)` in [0, 1], the weight within one px of the most likely disparity.
    """

    scores: Tensor
    features: Tensor
    disparity: Tensor
    certainty: Tensor


def row_attention(own: Tensor, other: Tensor, features: Tensor, low: int, high: int, sharpness: float) -> Attended:
    """Returns what is found at x - d in the other view for d = low … high, weighted by likeness.

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
    return Attended(scores, brought_over(weights, features, low), disparity, near.reshape(disparity.shape).clamp(max=1))


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
