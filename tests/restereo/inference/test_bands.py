"""A picture restored in bands is the picture restored at once."""

import pytest
import torch

from restereo import catalog
from restereo.imaging.resampling import larger, smaller
from restereo.inference import bands
from restereo.layers.projection import grey_operator, operator_of
from restereo.methods import METHODS
from restereo.sample import HasMatch, Prediction
from restereo.tasks import build_model, restore
from restereo.tasks.anaglyph import Options, build
from restereo.training.objectives import chroma


def shaken(name: str) -> torch.nn.Module:
    """A small network whose answer depends on all it sees: its last layer would be zero."""
    torch.manual_seed(0)
    model = catalog.build("model", name, 12, 6, size="tiny").eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.02 * torch.randn_like(weight))
    return model


OF_ANOTHER_TASK = {"autoencoder"}


@pytest.mark.parametrize("name", sorted(set(catalog.names("model")) - OF_ANOTHER_TASK))
@pytest.mark.parametrize("size", [(300, 64), (257, 97)])
def test_bands_leave_no_seam(name, size):
    model, task = shaken(name), build(Options())
    observed, operator = torch.rand(1, 3, *size), operator_of(METHODS["red-cyan-color"])
    with torch.inference_mode():
        whole = restore(model, task, observed, operator, task.default_calibration())
        parts = bands.restore_any_size(model, task, observed, operator, task.default_calibration(), 64 * size[1])
    assert (whole.image - parts.image).abs().max() < 0.5 / 255
    if isinstance(model, HasMatch):
        assert torch.equal(whole.disparity, parts.disparity)
        assert torch.equal(whole.confidence, parts.confidence)


def test_a_picture_repaired_on_a_copy_has_no_seams_either(monkeypatch):
    monkeypatch.setattr(bands, "REPAIR_PIXELS", 60 * 24)
    model, task = shaken("parallax"), build(Options())
    observed, operator = torch.rand(1, 3, 200, 80), operator_of(METHODS["red-cyan-color"])
    with torch.inference_mode():
        many, two = (
            bands.restore_any_size(model, task, observed, operator, task.default_calibration(), rows * 80).image
            for rows in (32, 160)
        )
    torch.testing.assert_close(many, two, atol=1e-5, rtol=0)


def test_colours_are_decided_on_a_copy_of_the_whole_picture():
    """In bands or at once, at 300 px or at twice that: the same colours."""
    task = catalog.build("task", "colorization")
    torch.manual_seed(0)
    model = build_model(task, "autoencoder", {"size": "tiny"}).eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.05)
    observed, operator = larger(torch.rand(1, 1, 75, 100), 4).clamp(0, 1), grey_operator()
    with torch.inference_mode():
        whole = restore(model, task, observed, operator, task.default_calibration()).image
        parts = bands.restore_any_size(model, task, observed, operator, task.default_calibration(), 64 * 400).image
        copy = larger(observed, 2)
        twice = restore(model, task, copy, operator, task.default_calibration()).image
    assert (whole - parts).abs().max() < 1e-5
    assert (chroma(smaller(twice, 2)) - chroma(whole)).abs().mean() < 0.1 * chroma(whole).abs().mean()


@pytest.mark.parametrize("size", [(2999, 3022), (128, 127), (129, 300), (1, 9), (40, 3000)])
def test_what_a_copy_shows_comes_back_to_its_place(size):
    """Colours that are a straight ramp along the picture are that ramp again, wherever bands begin."""

    class Ramp(torch.nn.Module):
        def forward(self, x):
            place = (torch.arange(x.shape[-1]) + 0.5) / x.shape[-1]
            return Prediction(place.expand(1, 3, *x.shape[-2:]))

    task, expected = catalog.build("task", "colorization"), (torch.arange(size[1]) + 0.5) / size[1]
    task.flips = ((),)  # this ramp does not depend on what is seen
    observed = expected.expand(1, 1, *size).contiguous()
    with torch.inference_mode():
        answer = bands.restore_any_size(Ramp(), task, observed, grey_operator(), task.default_calibration()).image
    inner = slice(20, -20) if size[1] > 200 else slice(None)  # at the rim a copy repeats its last pixel
    assert answer.shape[-2:] == size
    assert ((answer - observed)[..., inner].abs().max()) < 1 / size[1]


def test_bands_keep_every_row_once():
    kept = [row for read, keep in bands.bands(1000, 96) for row in range(1000)[read][keep]]
    assert kept == list(range(1000))


@pytest.mark.parametrize("full", [RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryError()])
def test_what_memory_does_not_hold_is_restored_in_smaller_bands(full):
    class Small(torch.nn.Module):
        def forward(self, x):
            if x.shape[-2] > 300:  # the halo alone is 192 of them
                raise full
            return Prediction(torch.cat([x[:, :3]] * 2, 1))

    task, observed, operator = build(Options()), torch.rand(1, 3, 400, 8), operator_of(METHODS["red-cyan-color"])
    description = observed, operator, task.default_calibration()
    with torch.inference_mode():
        assert bands.restore_any_size(Small(), task, *description, 400 * 8).image.shape[-2:] == (400, 8)
        with pytest.raises(type(full)):
            bands.restore_any_size(Small(), task, *description, 400 * 8 * 64)


def test_other_errors_are_not_taken_for_a_small_memory():
    def work(_):
        raise RuntimeError("shapes do not fit")

    with pytest.raises(RuntimeError, match="do not fit"):
        bands.in_smaller_bands(work, torch.device("cpu"))
