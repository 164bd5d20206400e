"""What is known of some places, carried to those beside them."""

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST = 1e-4


def fill_unseen(differences: Tensor, seen: Tensor) -> Tensor:
    """Returns `(B, C, H, W)`: as they are where the mask says so, elsewhere from the nearest that are, smoothly.

    Push and pull over an image pyramid (Gortler et al. 1996). Differences to the eye's own picture are filled, not
    colours: then the edges of the eye's own channel stay in what is filled.

    Args:
        differences: `(B, C, H, W)`.
        seen: `(B, 1, H, W)`, 1 where a difference counts, else 0.

    Example:
        >>> fill_unseen(torch.tensor([[[[4.0, 99.0, 99.0, 4.0]]]]), torch.tensor([[[[1.0, 0.0, 0.0, 1.0]]]])).tolist()
        [[[[4.0, 4.0, 4.0, 4.0]]]]
    """
    if bool((seen >= 1).all()):
        return differences
    height, width = differences.shape[-2:]
    if max(height, width) == 1 or not bool((seen > 0).any()):
        return torch.where(seen > 0, differences, 0.0)
    padded = F.pad(torch.cat([differences * seen, seen], 1), (0, width % 2, 0, height % 2))
    shrunk = F.avg_pool2d(padded, 2)
    weight = shrunk[:, -1:]
    coarse = fill_unseen(shrunk[:, :-1] / weight.clamp(min=LEAST), (weight > LEAST).float())
    enlarged = F.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.where(seen > 0, differences, enlarged)
