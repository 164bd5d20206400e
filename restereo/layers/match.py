"""What matching says of two views; super-resolution decides by semi-global aggregation and a classical match."""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restereo.imaging import stereo
from restereo.layers.correspondence import aggregate, discrepancy, fill_from_farther, subpixel_minimum

SMALL_STEP, LARGE_STEP, WORST = 2.0, 20.0, 6.0
"""Semi-global penalties, and the cost beyond which a mismatch is no worse, in nats; settled on validation pairs."""
TOLERANCE = 2.0
"""Px by which the two eyes' disparities may differ and still agree."""


class Match(NamedTuple):
    """What matching says of the left and the right view, `(B, 2, H, W)` each.

    Attributes:
        disparity: In px, positive = near; where the other eye does not see the place it is that of what lies behind.
        agreement: 1 where the other eye sees the place, or both name the same disparity, else 0.
        support: How sure that is: a chance in [0, 1], or the cosine of the descriptors that are said to match.
    """

    disparity: Tensor
    agreement: Tensor
    support: Tensor

    def resized(self, height: int, width: int) -> "Match":
        """Returns the match at another size, its disparities in the new px."""
        factor = width / self.disparity.shape[-1]
        maps = [F.interpolate(one, (height, width), mode="nearest-exact") for one in self]
        return Match(maps[0] * factor, maps[1], maps[2])

    def window(self, top: int, height: int, width: int) -> "Match":
        """Returns the rows from `top` on; beyond the last row and column these are repeated."""
        maps = [one[..., top : top + height, :width] for one in self]
        more = 0, width - maps[0].shape[-1], 0, height - maps[0].shape[-2]
        return Match(*(F.pad(one, more, mode="replicate") for one in maps))


def share_of(spread: Tensor) -> Tensor:
    """Returns how much of each channel `(6, …)` is taken from the other eye: the more, the less is known of it here.

    Args:
        spread: How far each channel of left and right may be off, in [0, 1].

    Example:
        >>> share_of(torch.tensor([0.0, 1.0, 1.0, 1.0, 0.0, 1.0])).round(decimals=3).tolist()
        [0.0, 1.0, 0.5, 1.0, 0.0, 0.5]
    """
    own, other = spread.square(), spread.roll(3, 0).square()
    return own / (own + other + 1e-6)


def as_eyes(views: Tensor) -> tuple[Tensor, Tensor]:
    """Returns (own, other) `(2B, C, H, W)` of views `(B, 2·C, H, W)`.

    First come the left eyes, then the right ones in a mirror, where each is a left one.

    Example:
        >>> own, other = as_eyes(torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 1, 2))
        >>> own.flatten(1).tolist(), other.flatten(1).tolist()
        ([[1.0, 2.0], [4.0, 3.0]], [[3.0, 4.0], [2.0, 1.0]])
    """
    left, right = views.chunk(2, dim=1)
    return torch.cat([left, right.flip(-1)]), torch.cat([right, left.flip(-1)])


def as_views(eyes: Tensor) -> Tensor:
    """Returns `(B, 2·C, H, W)`, left then right, of eyes `(2B, C, H, W)`: what `as_eyes` took apart.

    Example:
        >>> as_views(as_eyes(torch.ones(1, 6, 2, 2))[0]).shape
        torch.Size([1, 6, 2, 2])
    """
    left, right = eyes.chunk(2)
    return torch.cat([left, right.flip(-1)], dim=1)


def decide(scores: Tensor, low: int, sharpness: float) -> Match:
    """Returns what a semi-global aggregation of logits settles on, enlarged twice.

    Args:
        scores: `(2B, h, w, D)`, logits of each eye in its own frame, of disparities in half px.
        low: The first disparity.
        sharpness: What cosines were multiplied by to be logits.
    """
    cost = (scores.amax(-1, keepdim=True) - scores).clamp(max=WORST)
    disparity = subpixel_minimum(aggregate(cost, SMALL_STEP, LARGE_STEP), low)
    left, right = disparity.chunk(2)
    other = torch.cat([right.flip(-1), left.flip(-1)])
    agree = discrepancy(disparity, other) <= TOLERANCE / 2
    index = (disparity - low).round().long().clamp(0, scores.shape[-1] - 1)
    support = scores.gather(-1, index[..., None])[..., 0] / sharpness
    maps = [as_views(one[:, None]) for one in (2 * fill_from_farther(disparity, agree), agree.float(), support)]
    return Match(*(F.interpolate(one, scale_factor=2, mode="nearest") for one in maps))


def compared(view: Tensor, spread: Tensor) -> Tensor:
    """Returns the channel of an eye `(B, 3, H, W)` to match by, `(B, H, W)`: green if it is known, else what is.

    Green is the likest of the three to both others.

    Args:
        view: The linear estimate of the eye.
        spread: How far its channels may be off.

    Example:
        >>> view, spread = torch.tensor([0.1, 0.2, 0.3]), torch.tensor([0.2, 0.01, 0.01])
        >>> round(compared(view.reshape(1, 3, 1, 1), spread.reshape(1, 3, 1, 1)).item(), 2)
        0.2
    """
    weight = (spread.square() + 1e-3).pow(-2) * torch.tensor([0.05, 1.0, 0.05]).to(view)[:, None, None]
    return (view * weight).sum(1) / weight.sum(1)


def sharpened(match: Match, estimate: Tensor, spread: Tensor, most_shared: float = stereo.SHARED_DETAIL) -> Match:
    """Returns the match with OpenCV's disparities, exact to a fraction of a px, where both eyes agree on them.

    Args:
        match: Of whole pictures.
        estimate: `(B, 6, H, W)`, the linear estimate of both views in [0, 1].
        spread: `(B, 6, H, W)`, how far its channels may be off.
        most_shared: A picture of which the eyes share more fine detail than this (JPEG 4:2:0 mixes it) is left as it
            is: there the learned descriptor is the better judge.
    """
    eyes = [compared(*both) * 255 for both in zip(estimate.chunk(2, dim=1), spread.chunk(2, dim=1), strict=True)]
    maps = [one.clone() for one in match]
    for number, pair in enumerate(zip(*eyes, strict=True)):
        left, right = (np.ascontiguousarray(eye.numpy(force=True), np.float32) for eye in pair)
        if stereo.shared_detail(left, right) > most_shared:
            continue
        found = stereo.match(left, right)
        if found is not None:
            disparity, agree = (torch.from_numpy(one).to(maps[0].device) for one in found)
            mixed = torch.where(agree, disparity, maps[0][number]).numpy(force=True)
            smooth = np.stack([cv2.medianBlur(np.ascontiguousarray(one), 5) for one in mixed])  # no lone pixels
            maps[0][number] = torch.from_numpy(smooth)
            maps[1][number] = torch.where(agree, 1.0, maps[1][number])
    return Match(*maps)
