"""The matching network's parts against what they must come to."""

import pytest
import torch

from restereo.layers.clues import CHANNELS, Clues, look
from restereo.layers.matcher import BINS, STEP, Found, Matcher, Widths, convex, matching_loss

TINY = Widths(6, 8, 12, 16)


def clues(shift: float, height: int = 64, width: int = 128) -> Clues:
    """Of eyes that show nothing, with a hint that everything lies at `shift` px."""
    torch.manual_seed(0)
    hint = torch.full((1, 2, height // 2, width // 2), shift / 2)
    eyes = torch.rand(2, CHANNELS, height // 2, width // 2)
    return Clues(eyes, hint, torch.ones_like(hint), -40, (-40, -40 + STEP * (BINS - 1)))


def test_nothing_outside_the_limits_is_believed():
    torch.manual_seed(0)
    narrow = clues(30.0)._replace(limits=(0, 12))
    with torch.inference_mode():
        found = Matcher(CHANNELS, TINY).eval()(narrow)
    best = STEP * (found.logits.argmax(-1) + found.low)
    assert best.min() >= -STEP and best.max() <= 12 + STEP


def test_convex_upsampling_stays_within_its_neighbours():
    torch.manual_seed(0)
    maps, weights = torch.rand(2, 1, 5, 7), 5 * torch.randn(2, 36, 5, 7)
    large = convex(maps, weights)
    around = torch.nn.functional.pad(maps, (1, 1, 1, 1), mode="replicate")
    most = torch.nn.functional.max_pool2d(around, 3, 1).repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert large.shape == (2, 1, 10, 14)
    assert (large <= most + 1e-6).all()


def perfect(disparity: float, seen: float = 20.0) -> Found:
    logits = torch.full((2, 8, 16, BINS), -20.0)
    logits[..., int(disparity // STEP) + 5] = 20.0
    half, full = torch.full((2, 16, 32), disparity / 2), torch.full((2, 32, 64), disparity)
    return Found(logits, half, full, torch.full((2, 16, 32), seen), -5)


def test_the_truth_costs_nothing_and_an_error_is_bounded():
    truth, hidden = torch.full((2, 32, 64), 8.0), torch.zeros(2, 32, 64, dtype=torch.bool)
    hidden[..., :9] = True  # what lies beyond the other eye's frame is not seen
    right = perfect(8.0)
    right.seen[..., :5] = -20.0
    right.seen[..., 4] = 20.0  # column 8 lands on the first column
    assert matching_loss(right, truth, hidden & (torch.arange(64) < 8)).item() == pytest.approx(0, abs=0.05)
    near, far = (matching_loss(perfect(d), truth, hidden).item() for d in (40.0, 80.0))
    assert far == pytest.approx(near, rel=1e-3)


def test_unknown_places_teach_nothing():
    nothing = torch.full((2, 32, 64), torch.nan)
    assert matching_loss(perfect(8.0), nothing, torch.zeros(2, 32, 64, dtype=torch.bool)).item() == 0


def test_the_clues_of_an_eye_do_not_depend_on_the_sign_of_its_contrast():
    torch.manual_seed(0)
    view = torch.nn.functional.avg_pool2d(torch.rand(1, 6, 70, 134), 7, 1)
    spread = torch.zeros(1, 6, 64, 128)
    one, other = (look(torch.cat([views, spread], 1), -40, (-20, 20)) for views in (view, 1 - view))
    coarse = slice(4, 7)
    assert (one.eyes[:, coarse] - other.eyes[:, coarse]).abs().mean() < 0.02
    assert torch.equal(one.agree, other.agree) or (one.agree != other.agree).float().mean() < 0.02
