import numpy as np
import pytest
import torch

from restereo.imaging.anaglyph import form
from restereo.layers.projection import (
    Calibration,
    default_error,
    evened,
    noise_covariance,
    operator_of,
    project,
    residual,
)
from restereo.methods import METHODS
from restereo.sample import Operator
from restereo.tasks import to_tensor
from tests.conftest import smooth_picture

QUIET = 1e-9 * torch.eye(3)


def views(seed: int) -> np.ndarray:
    return np.concatenate([smooth_picture(seed, 12, 14), smooth_picture(seed + 1, 12, 14)], axis=-1)


def observed_of(picture: np.ndarray, name: str) -> torch.Tensor:
    return to_tensor(form(picture[..., :3], picture[..., 3:], METHODS[name]))


@pytest.mark.parametrize("name", METHODS)
def test_the_truth_has_no_residual(name):
    picture = views(1)
    left = residual(to_tensor(picture), observed_of(picture, name), operator_of(METHODS[name]))
    if METHODS[name].clip == "sum":
        # Rounding of the anaglyph, magnified by the steepest output exponent or the decoding of linear light.
        assert left.abs().max() < 0.02
    else:
        # What one eye's share loses when it is clipped before the other is added is no longer linear in the views.
        assert left.abs().mean() < 0.02


@pytest.mark.parametrize("name", METHODS)
def test_after_projection_the_residual_is_gone(name):
    picture = np.clip(views(2), 60, 190)
    observed, operator = observed_of(picture, name), operator_of(METHODS[name])
    guess = to_tensor(picture) + 0.03 * torch.randn(1, 6, 12, 14, generator=torch.Generator().manual_seed(0))
    answer = project(guess, observed, operator, default_error(), QUIET)
    before, after = (residual(image, observed, operator).abs().mean() for image in (guess, answer))
    inside = (answer > 0).all(dim=1, keepdim=True) & (answer < 1).all(dim=1, keepdim=True)
    remaining = residual(answer, observed, operator).abs() * inside
    assert remaining.max() < 1e-3
    assert after < before / 10


def _reference_gain(matrix: np.ndarray, error: np.ndarray, noise: np.ndarray) -> np.ndarray:
    return error @ matrix.T @ np.linalg.pinv(matrix @ error @ matrix.T + noise, rcond=1e-6)


@pytest.mark.parametrize("name", ["red-cyan-color", "red-cyan-dubois", "green-magenta-half"])
def test_the_correction_is_the_kalman_gain_times_the_residual(name):
    operator = operator_of(METHODS[name])
    error, noise = default_error(), noise_covariance((1e-4, 4e-4, 4e-4), jpeg=True)
    image, observed = torch.full((1, 6, 1, 1), 0.5), torch.tensor([0.52, 0.49, 0.5])[None, :, None, None]
    matrix = operator.matrix[0].double().numpy()
    gain = _reference_gain(matrix, error.double().numpy(), noise.double().numpy())
    expected = 0.5 + gain @ (observed.flatten().double().numpy() - matrix @ np.full(6, 0.5))
    answer = project(image, observed, operator, error, noise)
    np.testing.assert_allclose(answer.flatten().numpy(), expected, atol=1e-5)


def test_colour_red_cyan_copies_what_was_observed_exactly():
    picture = views(3)
    observed = observed_of(picture, "red-cyan-color")
    answer = project(torch.rand(1, 6, 12, 14), observed, operator_of(METHODS["red-cyan-color"]), default_error(), QUIET)
    torch.testing.assert_close(answer[:, [0, 4, 5]], observed, atol=1e-4, rtol=0)


def test_a_clipped_channel_is_not_pulled_back_inside():
    operator = Operator(torch.eye(3, 6)[None] * 2, torch.tensor([False]), torch.ones(1, 3))
    image, white = torch.full((1, 6, 1, 1), 0.8), torch.ones(1, 3, 1, 1)
    assert torch.equal(project(image, white, operator, default_error(), QUIET), image)


def test_grey_methods_whose_matrix_is_rank_deficient_are_projected():
    picture = views(4)
    observed, operator = observed_of(picture, "red-cyan-grey"), operator_of(METHODS["red-cyan-grey"])
    answer = project(torch.full((1, 6, 12, 14), 0.5), observed, operator, default_error(), QUIET)
    assert torch.isfinite(answer).all()
    assert residual(answer, observed, operator).abs().mean() < 0.01


def test_a_calibration_survives_json():
    before = Calibration({"clean": default_error()}, {"clean": QUIET})
    after = Calibration.from_json(before.to_json())
    torch.testing.assert_close(after.error["clean"], before.error["clean"])
    torch.testing.assert_close(after.noise["clean"], before.noise["clean"])


def test_one_hopeless_picture_does_not_decide_for_all_others():
    ours, hopeless = torch.randn(1000, 1), torch.randn(1000, 1)
    good = 0.01 * torch.cat([ours, ours], dim=1)  # both channels err alike
    bad = torch.cat([hopeless, -hopeless], dim=1)  # against each other, a hundred times as much
    weights = evened([good, bad])
    assert float(weights.mean()) == pytest.approx(1.0)
    moments = [w * (one.T @ one) / len(one) for w, one in zip(weights, (good, bad), strict=True)]
    assert float(moments[0][0, 1]) == pytest.approx(-float(moments[1][0, 1]), rel=0.01)
