"""What is known of some places, carried to those beside them."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST = 1e-4
LEVELS = 7
"""Of the pyramid: a gap of 128 px is bridged."""


def fill_unseen(differences: Tensor, seen: Tensor) -> Tensor:
    """Returns `(B, C, H, W)`: as they are where the mask says so, elsewhere from the nearest that are, smoothly.

    Push and pull over an image pyramid (Gortler et al. 1996). Differences to the eye's own picture are filled, not
    colours: then the edges of the eye's own channel stay in what is filled. Where nothing near is seen they are 0.

    Args:
        differences: `(B, C, H, W)`.
        seen: `(B, 1, H, W)`, 1 where a difference counts, else 0.

    Example:
        >>> fill_unseen(torch.tensor([[[[4.0, 99.0, 99.0, 4.0]]]]), torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]])).tolist()
        [[[[4.0, 4.0, 4.0, 4.0]]]]
    """
    height, width = differences.shape[-2:]
    cell = 2**LEVELS
    padded = F.pad(torch.cat([differences * seen, seen], 1), (0, -width % cell, 0, -height % cell))
    levels = [(padded[:, :-1], padded[:, -1:])]
    for _ in range(LEVELS):
        shrunk = F.avg_pool2d(torch.cat(levels[-1], 1), 2)
        there = (shrunk[:, -1:] > LEAST).to(shrunk)
        levels.append((there * shrunk[:, :-1] / shrunk[:, -1:].clamp(min=LEAST), there))
    filled = levels[-1][0]
    for known, weight in reversed(levels[:-1]):
        filled = known + (1 - weight) * F.interpolate(filled, scale_factor=2, mode="bilinear", align_corners=False)
    return filled[..., :height, :width]
