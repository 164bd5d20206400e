"""The networks that the recipe is compared with are those that were published."""

import pytest
import torch

from tests.ablation.models import predecessor_gan, predecessor_unet


@pytest.mark.parametrize(("module", "millions"), [(predecessor_unet, 31.0), (predecessor_gan, 16.7)])
def test_any_size_in_the_same_size_out_and_as_many_weights_as_published(module, millions):
    tiny = module.build(12, 6, module.Options(size="tiny")).eval()
    for size in ((1, 1), (17, 5), (33, 50)):
        assert tiny(torch.rand(2, 12, *size)).image.shape == (2, 6, *size)
    with torch.device("meta"):
        whole = module.build(12, 6, module.Options())
    assert sum(weight.numel() for weight in whole.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)
