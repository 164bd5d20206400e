"""Every model of the catalog, by name, in its tiny size."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from restereo import catalog
from restereo.layers.projection import operator_of
from restereo.methods import METHODS
from restereo.sample import Sample
from restereo.training.objectives import own_losses

MODELS = catalog.names("model")
CHANNELS = {"autoencoder": (1, 3)}
"""Of models that are made for one task; all others take what the anaglyph task lifts."""


def channels(name: str) -> tuple[int, int]:
    return CHANNELS.get(name, (12, 6))


def tiny(name: str) -> torch.nn.Module:
    torch.manual_seed(0)
    return catalog.build("model", name, *channels(name), size="tiny")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16), (33, 50)])
def test_any_size_in_the_same_size_out(name, size):
    taken, given = channels(name)
    image = tiny(name)(torch.rand(2, taken, *size)).image
    assert image.shape == (2, given, *size)
    assert torch.isfinite(image).all()


@pytest.mark.parametrize("name", MODELS)
def test_a_gradient_reaches_every_weight(name):
    torch.manual_seed(0)
    model = tiny(name)
    torch.optim.SGD(model.parameters(), 0.1).step()
    with torch.no_grad():  # The head starts at zero and would hide what lies before it.
        for weight in model.parameters():
            weight.add_(0.01 * torch.randn_like(weight))
    taken, given = channels(name)
    picture, maps = torch.rand(2, given, 32, 32), torch.zeros(2, 2, 32, 32)
    sample = Sample(picture[:, :3], picture, operator_of(METHODS["red-cyan-color"]), maps, maps.bool())
    prediction = model(torch.rand(2, taken, 32, 32))
    (prediction.image.square().mean() + own_losses(model, prediction, sample)).backward()
    without = [key for key, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", MODELS)
def test_weights_survive_a_file(name, tmp_path):
    model, other = tiny(name), catalog.build("model", name, *channels(name), size="tiny")
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
    picture = torch.rand(1, channels(name)[0], 9, 11)
    assert torch.equal(model.eval()(picture).image, other.eval()(picture).image)


@pytest.mark.parametrize("name", MODELS)
def test_no_running_statistics(name):
    assert [type(m).__name__ for m in tiny(name).modules() if "BatchNorm" in type(m).__name__] == []
