"""Colourfulness as a loss: the metric's formula, smooth at grey, and not to be won with fringes."""

import numpy as np
import pytest
import torch

from restereo.imaging import color
from restereo.training.objectives import colourfulness, pixel_loss


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def _reference_colourfulness(image: torch.Tensor) -> float:
    codes = image.mul(255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    return color.colourfulness(codes) / 255


def test_it_is_the_metric_of_each_view():
    both = picture(1, 6, 20, 30)
    expected = [_reference_colourfulness(both[0, :3]), _reference_colourfulness(both[0, 3:])]
    assert colourfulness(both)[0].tolist() == pytest.approx(expected, abs=3e-3)


def test_a_grey_start_has_finite_gradients_towards_colours():
    guess = torch.full((2, 3, 32, 32), 0.5, requires_grad=True)
    pixel_loss(guess, picture(2, 3, 32, 32), colourful_weight=1.0).backward()
    assert torch.isfinite(guess.grad).all()


def test_fringes_do_not_count():
    truth = torch.zeros(1, 3, 32, 32)
    truth[:, 0, :16], truth[:, 2, 16:] = 1.0, 1.0  # two large areas, red and blue
    fringes = torch.zeros(1, 3, 32, 32)
    fringes[:, 0, :, ::2], fringes[:, 2, :, 1::2] = 1.0, 1.0
    grey = torch.full((1, 3, 32, 32), 1 / 3)
    only = {"chroma_weight": 0.0, "ssim_weight": 0.0, "colourful_weight": 1e3}
    assert pixel_loss(fringes, truth, **only) > 100 * pixel_loss(truth, truth, **only).clamp(min=1e-3)
    assert pixel_loss(fringes, truth, **only) > 0.5 * pixel_loss(grey, truth, **only)
