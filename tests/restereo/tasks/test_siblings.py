"""What each sibling of the anaglyph task promises beyond what every task does."""

import numpy as np
import pytest
import torch
from torch import Tensor

from restereo import catalog
from restereo.datasets.pairs import find_pairs
from restereo.datasets.textures import read_textures
from restereo.errors import UserError
from restereo.evaluation.baselines import BASELINES
from restereo.evaluation.protocol import evaluate_folder
from restereo.imaging.color import colourfulness, luma
from restereo.imaging.resampling import reduced
from restereo.layers.projection import measured
from restereo.sample import Observation, Prediction, Sample, Scene
from restereo.tasks import build_model, overview, restore, to_picture, to_tensor
from tests.conftest import smooth_picture

ENLARGING = ["feedback_sr", "naf_sr"]


"""Networks that task `stereo_sr` trains."""


@pytest.mark.parametrize("model", ["autoencoder", "unet"])
def test_colouring_keeps_the_grey_at_full_size(model):
    task = catalog.build("task", "colorization")
    network = build_model(task, model, {"size": "tiny"}).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    observation = task.observe(smooth_picture(5, 33, 47))
    with torch.inference_mode():
        answer = restore(
            network, task, to_tensor(observation.picture), task.operator(observation), task.default_calibration()
        )
    answered = luma(to_picture(answer.image)).astype(int)
    assert np.abs(answered - observation.picture).max() <= 2
    assert colourfulness(to_picture(answer.image)) > 1


def test_a_stored_run_may_call_the_working_size_as_it_was_called_before():
    assert catalog.build("task", "colorization", sees=32).working_size == 32


def test_the_answers_to_two_copies_are_averaged():
    task = catalog.build("task", "colorization", working_size=32)

    def width(x: Tensor) -> Prediction:
        return Prediction(torch.full((1, 3, *x.shape[-2:]), float(x.shape[-1])))

    def copy(scale: float) -> Tensor:
        return reduced(torch.zeros(1, 1, 64, 64), scale)

    answer = overview(width, task, copy, task.operator(task.observe(smooth_picture(1, 8, 8))), 64, 64)
    assert answer.shape == (1, 3, 36, 36)
    assert torch.equal(answer, torch.full_like(answer, (28 + 36) / 2))


def test_textures_are_split_between_training_and_test(data):
    folder = str(data / "textures")
    frozen, free = read_textures(folder, True), read_textures(folder, False)
    assert len(frozen) > 40 and 3 * len(frozen) < len(free)
    task = catalog.build("task", "old_photo", textures=folder)
    observation = task.observe(smooth_picture(1, 64, 64))
    assert observation.mask is not None and observation.mask.any()


def test_grain_that_is_gone_does_not_come_back():
    """A denoiser's answer is not moved onto the noisy input; a copied grey is."""
    torch.manual_seed(0)
    matrix = torch.tensor([[0.3, 0.6, 0.1]])
    errors = 0.03 * torch.randn(4000, 3)
    grain = 0.1 * torch.randn(4000, 1)
    _, noise = measured(errors, errors @ matrix.T + grain, matrix)
    assert noise.item() == pytest.approx(0.01, rel=0.3)
    settled = 0.03 * torch.randn(4000, 3)
    _, wary = measured(settled, grain, matrix)  # errors that have nothing to do with the residual
    assert wary.item() > 0.05


def test_a_damage_mask_is_learnt_and_used():
    task = catalog.build("task", "old_photo")
    truth = smooth_picture(1, 32, 32)
    observed = to_tensor(task.observe(truth).picture)
    image, confidence = torch.full((1, 3, 32, 32), 0.5), torch.zeros(1, 1, 32, 32)
    confidence[..., 16:] = 1
    exact = task.default_calibration()
    exact.noise["clean"] = 1e-6 * torch.eye(1)
    moved = task.project(image, observed, task.operator(task.observe(truth)), exact, confidence)
    assert torch.equal(moved[..., :16], image[..., :16])
    assert not torch.equal(moved[..., 16:], image[..., 16:])


def test_missing_damage_costs_more_than_doubting_what_is_sound():
    task = catalog.build("task", "old_photo")
    network = build_model(task, "unet", {"size": "tiny", "mask": True})
    damage = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    damage[..., :4] = True
    truth = torch.zeros(1, 3, 8, 8)
    sample = Sample(truth[:, :1], truth, task.operator(Observation(np.zeros((8, 8, 1), np.uint8), "old")), mask=damage)

    def cost(scores: Tensor, image: Tensor) -> float:
        return float(network.losses(Prediction(image, scores=scores), sample))

    right = torch.where(damage, -4.0, 4.0)
    missed, doubted = torch.full_like(right, 4.0), torch.full_like(right, -4.0)
    assert cost(right, truth) < cost(doubted, truth) < cost(missed, truth)
    assert cost(right, truth + 0.5 * damage) > cost(right, truth + 0.5 * ~damage) == cost(right, truth)


@pytest.mark.parametrize("name", ENLARGING)
def test_a_pair_is_cut_to_whole_small_pixels_and_enlarged_to_its_size(name):
    task = catalog.build("task", "stereo_sr", scale=4)
    scene = task.prepare(Scene("odd", np.zeros((30, 45, 6), np.uint8), np.zeros((2, 30, 45), np.float32)))
    assert scene.truth.shape == (28, 44, 6) and scene.disparity is not None and scene.disparity.shape == (2, 28, 44)
    observation = task.observe(scene.truth)
    assert observation.picture.shape == (7, 11, 6)
    network = build_model(task, name, {"size": "tiny"}).eval()
    assert network.scale == 4
    with torch.inference_mode():
        answer: Prediction = network(task.lift(to_tensor(observation.picture), task.operator(observation)))
    assert answer.image.shape == (1, 6, 28, 44) and answer.disparity is not None
    assert answer.disparity.shape == (1, 2, 28, 44)
    with pytest.raises(UserError, match=r"should be 2 or 4 \(it is 3\)"):
        catalog.build("task", "stereo_sr", scale=3)


def test_bicubic_figures_are_those_of_the_literature(data):
    """Bicubic x4 of CVHSSR's own evaluation on single pairs: Cones 24.03, Teddy 24.93 dB."""
    files = find_pairs(data / "bench" / "stereo" / "middlebury_2003")
    task = catalog.build("task", "stereo_sr", scale=4)
    figures = evaluate_folder(BASELINES["bicubic"], task, files)["scenes"]
    assert figures["cones"]["psnr"] == pytest.approx(24.03, abs=0.02)
    assert figures["teddy"]["psnr"] == pytest.approx(24.93, abs=0.02)


@pytest.mark.parametrize("name", ENLARGING)
def test_at_most_a_million_parameters(name):
    task = catalog.build("task", "stereo_sr")
    network = build_model(task, name, {"size": "small"})
    assert sum(p.numel() for p in network.parameters()) <= 1_000_000
