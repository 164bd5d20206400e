"""The blocks that match two views, against slow ones written out by hand."""

import numpy as np
import pytest
import torch
from torch import Tensor

from restereo.imaging import stereo
from restereo.layers.correspondence import (
    aggregate,
    correlation,
    discrepancy,
    fill_from_farther,
    row_attention,
    soft_warp,
    subpixel_minimum,
    warp,
)
from restereo.layers.match import compared


def _reference_path(cost, small, large):
    """One path from left to right over `(W, D)`, by the formula of Hirschmüller 2008."""
    paths = [cost[0]]
    for here in cost[1:]:
        before = paths[-1]
        options = [before, np.r_[np.inf, before[:-1]] + small, np.r_[before[1:], np.inf] + small]
        options.append(np.full_like(before, before.min() + large))
        paths.append(here + np.min(options, axis=0) - before.min())
    return np.array(paths)


def _reference_aggregate(cost, small, large):
    """Four paths over `(D, H, W)`."""
    total = np.zeros_like(cost)
    _, height, width = cost.shape
    for y in range(height):
        row = cost[:, y].T
        total[:, y] += (_reference_path(row, small, large) + _reference_path(row[::-1], small, large)[::-1]).T
    for x in range(width):
        column = cost[:, :, x].T
        total[:, :, x] += (_reference_path(column, small, large) + _reference_path(column[::-1], small, large)[::-1]).T
    return total


def test_aggregation_is_hirschmuellers():
    cost = np.random.default_rng(0).random((2, 6, 7, 5))
    ours = aggregate(torch.from_numpy(cost.copy()), 0.1, 0.4).numpy()
    for mine, one in zip(ours, cost, strict=True):
        true = _reference_aggregate(one.transpose(2, 0, 1), 0.1, 0.4).transpose(1, 2, 0)
        np.testing.assert_allclose(mine, true, rtol=1e-6)


def test_aggregation_leaves_its_input_alone():
    cost = torch.rand(1, 3, 4, 5)
    before = cost.clone()
    aggregate(cost, 0.1, 0.4)
    assert torch.equal(cost, before)


@pytest.mark.parametrize(("low", "high"), [(-3, 4), (2, 5), (-6, -2), (0, 0)])
def test_correlation_compares_x_with_x_less_d(low, high):
    torch.manual_seed(0)
    own, other = torch.rand(2, 3, 40, 9), torch.rand(2, 3, 40, 9)
    ours = correlation(own, other, low, high)
    for index, d in enumerate(range(low, high + 1)):
        for x in range(9):
            true = (own[..., x] * other[..., x - d]).sum(1) if 0 <= x - d < 9 else torch.zeros(2, 40)
            torch.testing.assert_close(ours[:, :, x, index], true)


def test_a_subpixel_shift_is_found():
    x = torch.arange(60.0)
    cost = torch.stack([(x - 20.3) ** 2]).reshape(1, 1, 1, 60)
    assert subpixel_minimum(cost, -10).item() == pytest.approx(10.3, abs=1e-4)


def test_warp_and_agreement_are_those_of_the_arrays():
    rng = np.random.default_rng(0)
    picture, disparity = rng.random((8, 30, 3)).astype(np.float32), rng.uniform(-3, 9, (8, 30)).astype(np.float32)
    theirs, inside = stereo.warp(picture, disparity, "left")
    ours = warp(torch.from_numpy(picture).permute(2, 0, 1)[None], torch.from_numpy(disparity)[None])[0]
    np.testing.assert_allclose(ours.permute(1, 2, 0).numpy()[inside], theirs[inside], atol=1e-5)
    other = rng.uniform(-3, 9, (8, 30)).astype(np.float32)
    agree = discrepancy(torch.from_numpy(disparity)[None], torch.from_numpy(other)[None])[0] <= 1
    column = np.rint(np.arange(30) - disparity).astype(int)
    seen = (column >= 0) & (column < 30)
    true = seen & (np.abs(np.take_along_axis(other, column.clip(0, 29), 1) - disparity) <= 1)
    np.testing.assert_array_equal(agree.numpy(), true)


def test_gaps_are_filled_as_the_arrays_are():
    rng = np.random.default_rng(0)
    disparity, valid = rng.uniform(0, 9, (6, 40)).astype(np.float32), rng.random((6, 40)) < 0.3
    valid[0] = False
    ours = fill_from_farther(torch.from_numpy(disparity)[None], torch.from_numpy(valid)[None])[0].numpy()
    np.testing.assert_allclose(ours[1:], stereo.fill_from_farther_side(disparity[1:], valid[1:]))
    assert not ours[0].any()


def test_an_eye_is_matched_by_what_was_observed_of_it_green_first():
    view = torch.tensor([0.1, 0.2, 0.3]).reshape(1, 3, 1, 1)
    for known, expected in (([0], 0.1), ([1, 2], 0.2), ([0, 1], 0.2), ([2], 0.3), ([0, 1, 2], 0.2)):
        spread = torch.full((1, 3, 1, 1), 0.25)
        spread[:, known] = 0.01
        assert abs(compared(view, spread).item() - expected) < 0.02, known


def _reference_soft_warp(weights: Tensor, other: Tensor, low: int) -> Tensor:
    warped = torch.zeros_like(other)
    width = other.shape[-1]
    for number in range(weights.shape[-1]):
        for x in range(width):
            if 0 <= x - (low + number) < width:
                warped[..., x] += weights[:, None, :, x, number] * other[..., x - (low + number)]
    return warped


@pytest.mark.parametrize(("size", "low", "count"), [((40, 9), -2, 6), ((1, 1), -2, 9), ((3, 5), 1, 3), ((2, 4), -3, 4)])
def test_a_soft_warp_is_the_weighted_sum(size, low, count):
    torch.manual_seed(0)
    weights = torch.rand(2, *size, count, dtype=torch.float64, requires_grad=True)
    other = torch.rand(2, 3, *size, dtype=torch.float64, requires_grad=True)
    ours, true = soft_warp(weights, other, low), _reference_soft_warp(weights, other, low)
    torch.testing.assert_close(ours.double(), true, atol=1e-6, rtol=0)
    scale = torch.rand(true.shape, dtype=torch.float64)
    gradients = [torch.autograd.grad((some * scale).sum(), (weights, other)) for some in (ours, true)]
    for mine, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-6, rtol=0)


def test_a_shifted_view_is_warped_back():
    torch.manual_seed(0)
    own = torch.nn.functional.normalize(torch.randn(1, 64, 2, 12), dim=1)
    other = own.roll(-3, -1)
    found = row_attention(own, other, other, 0, 5, 100.0)
    torch.testing.assert_close(found.features[..., 3:], own[..., 3:], atol=1e-3, rtol=0)
    assert found.disparity[..., 3:].round().eq(3).all()
