"""Frame after frame through the network of any task, steady from frame to frame: what all films have in common."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from restereo.image import Picture
from restereo.imaging.resampling import reduced
from restereo.inference.bands import MATCH_PIXELS, restore_any_size
from restereo.inference.devices import memory_of
from restereo.inference.engine import Restorer
from restereo.layers.match import Match
from restereo.methods import AnaglyphMethod
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import to_picture, to_tensor
from restereo.video import temporal as steadiness
from restereo.video.segments import State
from restereo.video.temporal import Memory, Motion

LOSSY = 85
"""Films are lossy, with colours at half the size, like JPEG files of this quality."""


def as_it_is(image: Tensor) -> Tensor:
    """Returns the image."""
    return image


class Frames:
    """Restores one frame after the other and remembers the last one; where the answer is one picture, a `FrameMaker`.

    Attributes:
        between: The motion from the frame before to the last one, None at a cut.
    """

    def __init__(
        self,
        restorer: Restorer,
        method: AnaglyphMethod | None = None,
        steady: bool = True,
        finish: Callable[[Tensor], Tensor] = as_it_is,
    ) -> None:
        """Starts at the beginning of a scene.

        Args:
            restorer: The network.
            method: Of an anaglyph film; None for a task of single pictures.
            steady: Whether to hold disparities and colours steady; without, every frame is a picture of its own.
            finish: What is done to an answer `(1, K, H, W)` at last.
        """
        self.restorer, self.method, self.steady, self.finish = restorer, method, steady, finish
        self.memory: Memory | None = None
        self.between: Motion | None = None

    def __call__(self, picture: Picture) -> Picture:
        """Returns `(H, W, K)` uint8, what is restored of the next frame `(H, W, C)` uint8."""
        return self.restore(picture)[0]

    def restore(self, picture: Picture) -> tuple[Picture, Prediction]:
        """Returns what is restored of the next frame, and all that the network says of it."""
        restorer, task = self.restorer, self.restorer.task
        observation = task.accept(picture, self.method, LOSSY)
        operator = task.operator(observation).to(restorer.device)
        observed = to_tensor(observation.picture).to(restorer.device)
        with torch.inference_mode(), memory_of(restorer.device, "a frame of the film"):
            eyes = steadiness.eyes_of(observed, operator)
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
                held = task.project(held, observed, operator, restorer.calibration, answer.confidence)
                answer = replace(answer, image=held)
            restored = to_picture(self.finish(answer.image))
        self.memory = Memory(eyes, np.ascontiguousarray(restored.transpose(2, 0, 1)), match)
        return restored, answer

    def _match(self, observed: Tensor, operator: Operator) -> Match | None:
        """The match of this frame alone, at full size, found on a smaller copy of a large one."""
        model, task = self.restorer.model, self.restorer.task
        if not isinstance(model, HasMatch):
            return None
        height, width = observed.shape[-2:]
        scale = math.sqrt(MATCH_PIXELS / (height * width))
        found: Match = model.match(task.lift(reduced(observed, scale), operator)).resized(height, width)
        return found

    def state(self) -> State:
        """Returns what it remembers."""
        return self.memory.arrays() if self.memory and self.steady else {}

    def resume(self, state: State) -> None:
        """Makes it remember this."""
        self.memory = Memory.of(state)
