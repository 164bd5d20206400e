"""What the cross-view network promises beyond what every model does."""

import pytest
import torch

from restereo import catalog
from restereo.errors import UserError
from restereo.layers.match import Match, as_eyes, as_views
from restereo.layers.projection import operator_of
from restereo.methods import METHODS
from restereo.models.parallax import Options, build
from restereo.sample import Sample
from restereo.tasks.anaglyph import Options as TaskOptions
from restereo.tasks.anaglyph import build as build_task


def views_apart(shift: int, width: int = 256) -> torch.Tensor:
    """Six channels of a textured plane whose left view lies `shift` px right of its right view."""
    torch.manual_seed(1)
    texture = torch.nn.functional.avg_pool2d(torch.rand(1, 1, 66, width + 82), 3, 1)
    grey = texture / texture.max()
    left, right = grey[..., 40 - shift : 40 - shift + width], grey[..., 40 : 40 + width]
    return torch.cat([left.expand(-1, 3, -1, -1), right.expand(-1, 3, -1, -1)], dim=1)


def lifted(views: torch.Tensor) -> torch.Tensor:
    operator = operator_of(METHODS["red-cyan-color"])
    return build_task(TaskOptions()).lift(torch.cat([views[:, :1], views[:, 4:]], dim=1), operator)


def test_disparities_of_both_signs_are_found_without_being_told_the_range():
    torch.manual_seed(0)
    model = build(12, 6, Options(size="tiny")).eval()
    for shift in (24, -14):
        with torch.inference_mode():
            disparity = model(lifted(views_apart(shift))).disparity
        middle = disparity[..., 48:-48]
        assert ((middle - shift).abs() <= 1).float().mean() > 0.95


def test_training_lowers_the_matching_loss():
    torch.manual_seed(0)
    model = build(12, 6, Options(size="tiny"))
    views = views_apart(20)
    maps = torch.full((1, 2, 64, 256), 20.0)
    sample = Sample(
        views[:, :3], views, operator_of(METHODS["red-cyan-color"]), maps, torch.zeros(1, 2, 64, 256).bool()
    )
    optimizer = torch.optim.Adam(model.parameters(), 2e-3)
    losses = []
    for _ in range(30):
        loss = model.losses(model(lifted(views)), sample)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_unknown_disparities_teach_nothing():
    model = build(12, 6, Options(size="tiny"))
    views = views_apart(20)
    maps = torch.full((1, 2, 64, 256), torch.nan)
    sample = Sample(
        views[:, :3], views, operator_of(METHODS["red-cyan-color"]), maps, torch.zeros(1, 2, 64, 256).bool()
    )
    assert model.losses(model(lifted(views)), sample).item() == 0


def test_each_eye_is_a_left_one_in_its_turn():
    views = torch.rand(2, 6, 4, 5)
    own, other = as_eyes(views)
    assert torch.equal(as_views(own), views)
    assert torch.equal(own[2:].flip(-1), views[:, 3:])
    assert torch.equal(other[:2], views[:, 3:])


def test_a_mirrored_scene_with_swapped_eyes_gives_the_mirrored_answer():
    torch.manual_seed(0)
    model = build(12, 6, Options(size="tiny")).eval()
    x = lifted(views_apart(20))
    swapped = torch.cat([x[:, 3:6], x[:, :3], x[:, 9:], x[:, 6:9]], dim=1).flip(-1)
    match = Match(*(torch.rand(1, 2, 64, 256).mul(4).round() for _ in range(3)))
    mirrored = Match(*(one.flip(1, 3) for one in match))
    with torch.inference_mode():
        straight, turned = model(x, match), model(swapped, mirrored)
    torch.testing.assert_close(straight.image[:, 3:], turned.image[:, :3].flip(-1), atol=1e-4, rtol=0)


@pytest.mark.parametrize("matching", ["network", "classical"])
def test_every_way_to_match_finds_the_plane_and_can_learn(matching):
    torch.manual_seed(0)
    model = build(12, 6, Options(size="tiny", matching=matching))
    x = lifted(views_apart(20))
    with torch.inference_mode():
        disparity = model.eval()(x).disparity
    assert ((disparity[..., 48:-48] - 20).abs() <= 1).float().mean() > 0.95
    views, maps = views_apart(20), torch.full((1, 2, 64, 256), 20.0)
    sample = Sample(
        views[:, :3], views, operator_of(METHODS["red-cyan-color"]), maps, torch.zeros(1, 2, 64, 256).bool()
    )
    loss = model.losses(model.train()(x), sample)
    assert (loss > 0) == (matching != "classical")


def test_an_option_that_is_no_way_to_match_is_refused():
    with pytest.raises(UserError, match="did you mean 'classical'"):
        catalog.build("model", "parallax", 12, 6, matching="clasical")
