"""Full-size work in NumPy and OpenCV is what torch computes, to a code."""

import numpy as np
import pytest
import torch

from restereo import catalog
from restereo.inference import full_size
from restereo.inference.bands import Known
from restereo.inference.engine import to_depth, to_unit, without_color
from restereo.layers.match import Match
from restereo.methods import METHODS
from restereo.sample import Observation
from restereo.tasks import restore
from tests.conftest import smooth_picture

HEIGHT, WIDTH = 61, 90
TASK = catalog.build("task", "anaglyph")


def picture(dtype=np.uint8) -> np.ndarray:
    """Smooth, with noise, and with corners that are clipped."""
    rng = np.random.default_rng(1)
    codes = smooth_picture(3, HEIGHT, WIDTH).astype(np.float64) + rng.normal(0, 12, (HEIGHT, WIDTH, 3))
    codes[:9, :9], codes[-9:, -9:] = 0, 255
    return (codes.clip(0, 255) * (257 if dtype == np.uint16 else 1)).astype(dtype)


def known_of(small: tuple[int, int]) -> Known:
    random = torch.Generator().manual_seed(0)
    shape = 1, 2, *small
    maps = [torch.rand(shape, generator=random) for _ in range(3)]
    match = Match(12 * maps[0] - 4, maps[1].round(), maps[2])
    refinement = 0.2 * torch.randn(1, 12, small[0] + 3, small[1] + 2, generator=random)
    return Known(match, refinement, HEIGHT, WIDTH)


def both(observed, name, known, lossy=False, grey=False):
    model = catalog.build("model", "parallax", 12, 6, size="tiny").eval()
    operator = TASK.operator(Observation(observed, METHODS[name], 85 if lossy else None))
    calibration = TASK.default_calibration()
    with torch.inference_mode():
        answer = restore(model, TASK, to_unit(observed), operator, calibration, **known.rows(slice(0, HEIGHT)))
        image = without_color(answer.image) if grey else answer.image
        reference = to_depth(image, observed.dtype).reshape(HEIGHT, WIDTH, 2, 3)
        mixing = full_size.mixing_of(operator, calibration, np.iinfo(observed.dtype).max + 1, grey)
    maps = (one[0].numpy() for one in (known.match.disparity, known.match.agreement, known.refinement))
    found, square = full_size.restore(observed, mixing, full_size.Findings(*maps, WIDTH, HEIGHT), 2)
    return np.moveaxis(reference, 2, 0), found, float(answer.residual.square().mean()), square


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_restored_to_a_code(name, lossy):
    expected, found, residual, square = both(picture(), name, known_of((20, 31)), lossy)
    assert np.abs(expected.astype(int) - found).max() <= 1
    assert square == pytest.approx(residual, rel=1e-2)


@pytest.mark.parametrize("name", ["red-cyan-color", "red-cyan-wimmer-gamma"])
def test_sixteen_bits_are_restored_to_a_sixteenth_of_a_code_of_eight(name):
    expected, found, _, _ = both(picture(np.uint16), name, known_of((HEIGHT, WIDTH)))
    assert found.dtype == np.uint16
    assert np.abs(expected.astype(int) - found).max() <= 16


def test_views_of_a_grey_anaglyph_are_grey():
    expected, found, _, _ = both(picture(), "red-cyan-grey", known_of((20, 31)), grey=True)
    assert np.abs(expected.astype(int) - found).max() <= 1
    assert np.ptp(found, axis=-1).max() == 0


@pytest.mark.parametrize("pixels", [WIDTH, 5 * WIDTH, 2**16])
def test_bands_leave_no_seam(monkeypatch, pixels):
    whole = both(picture(), "red-cyan-dubois", known_of((20, 31)))[1]
    monkeypatch.setattr(full_size, "BAND_PIXELS", pixels)
    assert np.array_equal(both(picture(), "red-cyan-dubois", known_of((20, 31)))[1], whole)


def test_maps_have_the_share_that_is_counted_on_the_small_ones():
    maps = np.random.default_rng(0).integers(0, 2, (2, 7, 5)).astype(np.float32)
    large = full_size.enlarged(maps, 31, 44)
    assert full_size.share_above_zero(maps, 31, 44) == pytest.approx(float((large > 0).mean()))


def test_rows_too_can_be_looked_up_elsewhere():
    ramp = np.arange(20, dtype=np.float32).reshape(4, 5)
    columns, rows = np.meshgrid(np.arange(5, dtype=np.float32), np.full(2, 1.5, np.float32))
    assert full_size.fetch(ramp, columns, rows)[0].tolist() == [7.5, 8.5, 9.5, 10.5, 11.5]
