"""What does not change in a film does not change in its views; at a cut nothing is kept."""

import numpy as np
import torch

from restereo import catalog
from restereo.layers.match import Match
from restereo.methods import parse
from restereo.sample import Prediction
from restereo.video import temporal
from restereo.video.temporal import FrameRestorer, Memory, Motion
from tests.restereo.inference.test_bands import shaken
from tests.restereo.video import clips


def still(height: int = 4, width: int = 6) -> Motion:
    return Motion(np.zeros((2, height, width, 2), np.float32), np.ones((2, height, width), np.float32))


def match(disparity: float, agreement: float) -> Match:
    return Match(*(torch.full((1, 2, 4, 6), value) for value in (disparity, agreement, 0.9)))


def test_disparities_of_a_still_scene_are_mixed_remembered_or_replaced():
    near = temporal.filter_match(match(10.5, 1), match(10.0, 1), still())
    assert torch.allclose(near.disparity, torch.tensor(10.0 + 0.5 * temporal.STEP))
    lost = temporal.filter_match(match(30.0, 0), match(10.0, 1), still())
    assert (lost.disparity == 10).all() and (lost.agreement < 1).all() and (lost.agreement > 0.5).all()
    sure = temporal.filter_match(match(30.0, 1), match(10.0, 1), still())
    assert (sure.disparity == 30).all()


def test_colours_of_a_still_scene_move_slowly_and_those_of_a_changed_one_at_once():
    new, old = torch.full((1, 6, 4, 6), 0.6), torch.full((1, 6, 4, 6), 0.4)
    held = temporal.filter_colors(new, old, still())
    assert torch.allclose(held, torch.tensor(0.6 - 0.2 * temporal.HOLD), atol=2e-3)
    changed = Motion(still().flow, np.zeros((2, 4, 6), np.float32))
    assert torch.equal(temporal.filter_colors(new, old, changed), new)


def test_a_resumed_film_goes_on_as_if_never_interrupted_and_forgets_at_cuts():
    restorer = clips.Untrained(
        model=shaken("parallax"),
        task=catalog.build("task", "anaglyph"),
        calibration=catalog.build("task", "anaglyph").default_calibration(),
        device=torch.device("cpu"),
    )
    whole, first, again = (FrameRestorer(restorer, parse("red-cyan-color")) for _ in range(3))
    pictures = [clips.anaglyph(0), clips.anaglyph(1), clips.anaglyph(0, seed=1)]
    answers = [whole(picture) for picture in pictures]
    first(pictures[0])
    again.resume(first.state())
    np.testing.assert_array_equal(again(pictures[1]), answers[1])
    assert again.motion is not None and whole.motion is None
    alone = FrameRestorer(restorer, parse("red-cyan-color"), steady=False)
    np.testing.assert_array_equal(alone(pictures[2]), answers[2])
    assert Memory.of({}) is None


class Wavering(torch.nn.Module):
    """Another tint at every call: what a network that colours each frame anew does, only worse."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        tint = torch.tensor([0.1, 0.0, -0.1]) * (-1) ** self.calls
        return Prediction(x + tint[:, None, None])


def test_colours_of_a_film_are_held_steady(monkeypatch):
    monkeypatch.setattr("restereo.tasks.COPIES", (1,))  # the network counts how often it is asked

    def swings(steady: bool) -> float:
        task = catalog.build("task", "colorization")
        task.flips = ((),)
        restorer = clips.Untrained(
            model=Wavering(), task=task, calibration=task.default_calibration(), device=torch.device("cpu")
        )
        frames = FrameRestorer(restorer, steady=steady)
        made = [frames(clips.grey(number)).astype(int) for number in range(6)]
        red = np.array([(one[..., 0] - one[..., 2]).mean() for one in made])
        return float(np.abs(np.diff(red)).mean())

    assert swings(steady=False) > 40
    assert swings(steady=True) < 0.4 * swings(steady=False)
