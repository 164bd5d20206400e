"""Both views of an anaglyph film, frame by frame, steady from frame to frame."""

import math
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from restereo.inference import steadiness
from restereo.inference.answer import Views, is_grey, without_color
from restereo.inference.bands import MATCH_PIXELS, restore_any_size
from restereo.inference.film_parts import State
from restereo.inference.layouts import GLASSES, Layout, arrange
from restereo.inference.predictor import Restorer
from restereo.inference.steadiness import Memory, Motion
from restereo.layers.match import Match
from restereo.sample import HasMatch, Observation, Operator, Picture
from restereo.tasks import to_picture, to_tensor

LOSSY = 85
"""Films are lossy, with colours at half the size, like JPEG files of this quality."""


class FilmViews:
    """Recovers one frame after the other; remembers the last one.

    Attributes:
        between: The motion from the frame before to the last one, None at a cut.
    """

    def __init__(self, restorer: Restorer, method: str, steady: bool = True, invent_color: bool = False) -> None:
        """Starts at the beginning of a scene.

        Args:
            restorer: The network.
            method: The film's anaglyph method.
            steady: Whether to hold disparities and colours steady; without, every frame is a picture of its own.
            invent_color: Whether the views of a grey anaglyph get colours.
        """
        self.restorer, self.method, self.steady = restorer, method, steady
        self.grey = is_grey(method) and not invent_color
        self.memory: Memory | None = None
        self.between: Motion | None = None

    def __call__(self, picture: Picture) -> Views:
        """Returns both views of the next frame `(H, W, 3)` uint8."""
        restorer, task = self.restorer, self.restorer.task
        operator = task.operator(Observation(picture, self.method, LOSSY)).to(restorer.device)
        observed = to_tensor(picture).to(restorer.device)
        with torch.inference_mode():
            eyes = steadiness.eyes_of(task.lift(observed, operator))
            before = self.memory if self.steady else None
            between = self.between = None if before is None else steadiness.motion_between(eyes, before.eyes)
            match = self._match(observed, operator)
            if match is not None and before is not None and before.match is not None and between is not None:
                match = steadiness.steady_match(match, before.match, between)
            known = None if match is None else steadiness.told(match, restorer.device)
            answer = restore_any_size(restorer.model, task, observed, operator, restorer.calibration, match=known)
            if before is not None and between is not None:
                old = torch.from_numpy(before.views)[None].float() / 255
                held = steadiness.steady_colours(answer.image, old, between).to(restorer.device)
                answer = replace(answer, image=task.project(held, observed, operator, restorer.calibration))
            views = to_picture(without_color(answer.image) if self.grey else answer.image)
        self.memory = Memory(eyes, np.ascontiguousarray(views.transpose(2, 0, 1)), match)
        disparity, confidence = (
            None if one is None else one[0].numpy(force=True) for one in (answer.disparity, answer.confidence)
        )
        return Views(views[..., :3], views[..., 3:], self.method, disparity, confidence)

    def _match(self, observed: Tensor, operator: Operator) -> Match | None:
        """The match of this frame alone, at full size, found on a smaller copy of a large one."""
        model, task = self.restorer.model, self.restorer.task
        if not isinstance(model, HasMatch):
            return None
        height, width = observed.shape[-2:]
        scale = math.sqrt(MATCH_PIXELS / (height * width))
        small = F.interpolate(observed, scale_factor=scale, mode="bilinear", antialias=True) if scale < 1 else observed
        found: Match = model.match(task.lift(small, operator)).resized(height, width)
        return found

    def state(self) -> State:
        """Returns what it remembers."""
        return self.memory.arrays() if self.memory and self.steady else {}

    def resume(self, state: State) -> None:
        """Makes it remember this."""
        self.memory = Memory.of(state)


class LaidOut:
    """Recovers frames and lays the views out: a `FrameMaker`."""

    def __init__(self, views: FilmViews, layout: Layout, glasses: str = GLASSES) -> None:
        """Starts at the beginning of a scene.

        Args:
            views: Recovers the frames.
            layout: How the views are shown.
            glasses: Method of the anaglyph, for that layout.
        """
        self.views, self.layout, self.glasses = views, layout, glasses

    def __call__(self, picture: Picture) -> Picture:
        """Returns the picture of the next frame."""
        views = self.views(picture)
        maps = views.disparity, views.confidence
        return _plain(arrange(self.layout, views.left, views.right, *maps, glasses=self.glasses)[0])

    def state(self) -> State:
        """Returns what it remembers."""
        return self.views.state()

    def resume(self, state: State) -> None:
        """Makes it remember this."""
        self.views.resume(state)


def _plain(picture: NDArray[np.generic]) -> Picture:
    return np.ascontiguousarray(picture, dtype=np.uint8)
