"""Colour from grey: the BT.601 grey of a picture is known at full size, its colours are to be guessed.

They are guessed on a small copy: what is sky and what is water shows only in the whole of a picture.
"""

import numpy as np
from pydantic import AliasChoices, Field

from restereo.image import Picture
from restereo.imaging import metrics
from restereo.imaging.color import chroma_error, colourfulness, luma, mean_absolute_error
from restereo.imaging.degradations import random_flip
from restereo.methods import AnaglyphMethod
from restereo.options import Section
from restereo.sample import Observation, Prediction, Scene
from restereo.tasks import LEFT_RIGHT, Figures, Task

CHANNELS = (1, 3)
LEAST_SEEN = 16
"""px; below, the networks of the trunk see next to nothing."""


class Colorization(Task):
    """One grey channel in, three out; the grey of the answer is that of the input."""

    channels_in, channels_out = CHANNELS
    headline = "mean_absolute_error"
    better = -1
    baselines = ("grey_copy",)
    shown = (headline, "psnr", "ssim", "chroma_error", "colourfulness", "colourfulness_difference")
    flips = LEFT_RIGHT

    def __init__(self, working_size: int) -> None:
        self.working_size = working_size

    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns the grey picture; JPEG is not looked at: luma is what it keeps best."""
        return Observation(luma(truth), "grey")

    def accept(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Observation:
        """Returns the picture's grey, whether it has colours or not."""
        return self.observe(picture)

    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns the scene, at times mirrored, and its grey."""
        scene = random_flip(scene, np.random.default_rng(seed))
        return scene, self.observe(scene.truth)

    def measure(self, answer: Picture, prediction: Prediction, scene: Scene, observation: Observation) -> Figures:
        """Returns error, PSNR and SSIM of the whole picture, error of its chroma, and how colourful it is."""
        colourful = colourfulness(answer)
        return {
            "mean_absolute_error": mean_absolute_error(answer, scene.truth),
            "psnr": metrics.psnr(answer, scene.truth),
            "ssim": metrics.ssim(answer, scene.truth),
            "chroma_error": chroma_error(answer, scene.truth),
            "colourfulness": colourful,
            "colourfulness_difference": colourful - colourfulness(scene.truth),
        }

    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns the mean absolute error over pixels and channels, in [0, 1]."""
        return mean_absolute_error(answer, scene.truth)


class Options(Section):
    """What a row of `tasks:` may say.

    Attributes:
        working_size: Shorter side in px of the copy on which colours are guessed; `train.crop` is at most that.
    """

    working_size: int = Field(128, ge=LEAST_SEEN, validation_alias=AliasChoices("working_size", "sees"))


def build(options: Options) -> Colorization:
    """Returns the task.

    Example:
        >>> build(Options()).observe(np.zeros((2, 3, 3), np.uint8)).picture.shape
        (2, 3, 1)
    """
    return Colorization(options.working_size)
