"""Every baseline on every method and size, and the figures that are frozen."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from restereo.evaluation.baselines import BASELINES
from restereo.imaging.anaglyph import form
from restereo.imaging.metrics import missing_channels, missing_psnr
from restereo.methods import METHODS, AnaglyphMethod
from restereo.sample import Operator, Prediction

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[3] / "shared" / "data"))
BENCH = DATA / "bench" / "stereo"

FROZEN = {
    ("grey", "middlebury_2003/cones"): 12.48,
    ("grey", "middlebury_2003/teddy"): 13.79,
    ("grey", "middlebury_v3_trainQ/Adirondack"): 16.22,
    ("grey", "middlebury_2006/Aloe"): 17.81,
    ("identity", "middlebury_2003/cones"): 12.79,
    ("identity", "middlebury_2003/teddy"): 12.93,
    ("sgbm", "middlebury_2003/cones"): 18.10,
    ("sgbm", "middlebury_2003/teddy"): 21.08,
    ("sgbm", "kitti2012/train_000000_10"): 24.86,
}
"""missing_psnr in dB on the clean colour red-cyan anaglyph."""


def operator(method: AnaglyphMethod) -> Operator:
    exponent = torch.tensor([method.exponent])
    return Operator(torch.tensor(method.matrix)[None], torch.tensor([method.transfer == "linear"]), exponent)


def predict(name: str, anaglyph: np.ndarray, method: AnaglyphMethod) -> Prediction:
    observed = torch.from_numpy(anaglyph).permute(2, 0, 1)[None].float() / 255
    prediction: Prediction = BASELINES[name](observed, operator(method))
    return prediction


def pair(size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    texture = np.random.default_rng(0).uniform(60, 255, (size[0], size[1] + 3, 1))
    wall = (texture * np.array([0.9, 0.6, 0.3])).astype(np.uint8)
    return wall[:, :-3].copy(), wall[:, 3:].copy()


@pytest.mark.parametrize("name", ["identity", "grey", "sgbm", "sgbm_blind"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method(name: str, method: str) -> None:
    left, right = pair((24, 90))
    prediction = predict(name, form(left, right, METHODS[method]), METHODS[method])
    assert prediction.image.shape == (1, 6, 24, 90)
    assert torch.isfinite(prediction.image).all()
    if name.startswith("sgbm"):
        assert prediction.disparity is not None
        assert prediction.confidence is not None
        assert torch.isfinite(prediction.disparity).all()
        assert prediction.disparity[prediction.confidence > 0].median().item() == pytest.approx(3, abs=0.5)


@pytest.mark.parametrize("name", ["identity", "grey", "sgbm", "sgbm_blind"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (16, 16), (33, 17)])
def test_every_size(name: str, size: tuple[int, int]) -> None:
    method = METHODS["red-cyan-color"]
    assert predict(name, form(*pair(size), method), method).image.shape == (1, 6, *size)


@pytest.mark.parametrize("name", ["grey", "sgbm", "sgbm_blind"])
@pytest.mark.parametrize("method", ["red-cyan-color", "green-magenta-color", "amber-blue-color"])
def test_known_channels_are_kept(name: str, method: str) -> None:
    left, right = pair((24, 90))
    truth = np.concatenate([left, right], axis=-1)
    image = predict(name, form(left, right, METHODS[method]), METHODS[method]).image[0]
    missing = missing_channels(METHODS[method])
    assert missing is not None
    known = torch.from_numpy(truth).permute(2, 0, 1).float()[~missing] / 255
    assert torch.equal(image[~missing], known)


@pytest.mark.parametrize("name", ["sgbm", "sgbm_blind"])
@pytest.mark.parametrize("method", ["red-cyan-grey", "red-blue-grey", "amber-blue-grey"])
def test_grey_stays_grey(method: str, name: str) -> None:
    left, right = pair((24, 90))
    image = predict(name, form(left, right, METHODS[method]), METHODS[method]).image[0]
    assert torch.allclose(image[0], image[1]) or method == "red-blue-grey"
    for eye in (image[:3], image[3:]):
        assert (eye.amax(dim=0) - eye.amin(dim=0)).max() < 1e-6


def test_blind_matching_is_right_where_the_colours_reverse_the_contrast() -> None:
    """Red is bright where cyan is dark: the left eye's picture is the right eye's negative, 3 px to the left."""
    grey = np.random.default_rng(1).integers(20, 235, (60, 123), np.uint8)
    grey = cv2.GaussianBlur(grey, (0, 0), 1.2)
    scene = np.stack([grey, 255 - grey, 255 - grey], axis=-1)
    left, right = scene[:, :-3], scene[:, 3:]
    method = METHODS["red-cyan-color"]
    blind = predict("sgbm_blind", form(left, right, method), method)
    assert blind.disparity is not None
    assert (blind.disparity - 3).abs().mean() < 0.5
    restored = (blind.image[0].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    missing = missing_channels(method)
    truth = np.concatenate([left, right], axis=-1)
    contrasted = predict("sgbm", form(left, right, method), method).image[0].permute(1, 2, 0).numpy() * 255
    assert missing_psnr(restored, truth, missing) > missing_psnr(contrasted.astype(np.uint8), truth, missing) + 6


@pytest.mark.parametrize(("name", "scene"), FROZEN)
def test_frozen_figures(name: str, scene: str) -> None:
    if not (BENCH / scene).exists():
        pytest.skip("no real pairs: RESTEREO_DATA is not there")
    left, right = (
        np.ascontiguousarray(cv2.imread(str(BENCH / scene / f"{eye}.png"))[..., ::-1]) for eye in ("left", "right")
    )
    method = METHODS["red-cyan-color"]
    image = predict(name, form(left, right, method), method).image[0]
    restored = (image.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    truth = np.concatenate([left, right], axis=-1)
    figure = missing_psnr(restored, truth, missing_channels(method))
    assert figure == pytest.approx(FROZEN[name, scene], abs=0.05)
