"""What attention brings over equals its definition, sum by sum, in value and in gradient."""

import pytest
import torch
from torch import Tensor

from restereo.layers.correspondence import row_attention, soft_warp


def _reference_soft_warp(weights: Tensor, other: Tensor, low: int) -> Tensor:
    brought = torch.zeros_like(other)
    width = other.shape[-1]
    for number in range(weights.shape[-1]):
        for x in range(width):
            if 0 <= x - (low + number) < width:
                brought[..., x] += weights[:, None, :, x, number] * other[..., x - (low + number)]
    return brought


@pytest.mark.parametrize(("size", "low", "count"), [((40, 9), -2, 6), ((1, 1), -2, 9), ((3, 5), 1, 3), ((2, 4), -3, 4)])
def test_what_is_soft_warp_is_the_weighted_sum(size, low, count):
    torch.manual_seed(0)
    weights = torch.rand(2, *size, count, dtype=torch.float64, requires_grad=True)
    other = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
    ours, true = soft_warp(weights, other, low), _reference_soft_warp(weights, other, low)
    torch.testing.assert_close(ours.double(), true, atol=1e-6, rtol=0)
    scale = torch.rand(true.shape, dtype=torch.float64)
    gradients = [torch.autograd.grad((some * scale).sum(), (weights, other)) for some in (ours, true)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


def test_a_shifted_view_is_brought_back():
    torch.manual_seed(0)
    own = torch.nn.functional.normalize(torch.randn(1, 64, 2, 12), dim=1)
    other = own.roll(-3, -1)
    found = row_attention(own, other, other, 0, 5, 100.0)
    torch.testing.assert_close(found.features[..., 3:], own[..., 3:], atol=1e-3, rtol=0)
    assert found.disparity[..., 3:].round().eq(3).all()
