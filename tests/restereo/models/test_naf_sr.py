"""What the one-pass network of stereo super-resolution promises beyond what every model does."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from restereo.models.naf_sr import NAFSR, Options, build


def own_weights(model: NAFSR) -> NAFSR:
    """The network with a head that no longer hides what lies before it."""
    with torch.no_grad():
        model.head.weight.normal_(std=0.1)
    return model


def test_it_starts_as_if_each_view_were_alone():
    torch.manual_seed(0)
    model = own_weights(build(12, 6, Options(size="tiny"))).train()
    x = torch.rand(1, 12, 16, 32)
    changed = x.clone()
    changed[:, 9:] = torch.rand(1, 3, 16, 32)  # the small right view
    before, after = model(x).image, model(changed).image
    assert torch.equal(before[:, :3], after[:, :3])
    assert not torch.equal(before[:, 3:], after[:, 3:])
    torch.nn.init.normal_(model.looks[0].take.weight)
    assert not torch.equal(model(x).image[:, :3], model(changed).image[:, :3])


def test_all_looks_are_judged_and_a_mirrored_pair_swaps_its_views():
    torch.manual_seed(0)
    model = own_weights(build(12, 6, Options(size="tiny", scale=2))).train()
    torch.nn.init.normal_(model.looks[0].take.weight)
    x = torch.rand(2, 12, 16, 32)
    prediction = model(x)
    assert prediction.scores is not None and len(prediction.scores) == len(model.looks) == 2
    left, right, small_left, small_right = x.flip(-1).chunk(4, dim=1)
    mirrored = model(torch.cat([right, left, small_right, small_left], dim=1)).image.flip(-1)
    torch.testing.assert_close(torch.cat([mirrored[:, 3:], mirrored[:, :3]], dim=1), prediction.image)


def test_the_small_size_costs_at_most_13_gmac():
    """For two views of 160x90 at x4, counted as `python -m tests.bench compute` counts."""
    model = build(12, 6, Options(size="small", scale=4))
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.restore(torch.rand(2, 3, 90, 160))
    assert counter.get_total_flops() / 2e9 <= 13
    assert sum(weight.numel() for weight in model.parameters()) <= 600_000
