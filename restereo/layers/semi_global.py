"""Semi-global matching (Hirschmüller 2008) of a cost volume, on any device, every row or column of a batch at once."""

import itertools

import torch
from torch import Tensor


def aggregate(cost: Tensor, small: float, large: float) -> Tensor:
    """Returns the costs `(B, H, W, D)` summed over the paths from left, right, top and bottom.

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
    along_rows = _both_ways(cost.permute(2, 0, 1, 3), small, large).permute(1, 2, 0, 3)
    along_columns = _both_ways(cost.permute(1, 0, 2, 3), small, large).permute(1, 0, 2, 3)
    return along_rows + along_columns


def _both_ways(cost: Tensor, small: float, large: float) -> Tensor:
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
