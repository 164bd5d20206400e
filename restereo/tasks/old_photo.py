"""Old photographs: grain, dirt and no colours. Damage is found and filled, grain taken out, colour guessed."""

import zlib
from dataclasses import replace

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from restereo.datasets.textures import read_textures
from restereo.image import Picture
from restereo.imaging import metrics
from restereo.imaging.color import colourfulness, luma
from restereo.imaging.degradations import OldPhotoDegradation, degrade_old_photo, random_flip
from restereo.layers import projection
from restereo.layers.projection import Calibration
from restereo.methods import AnaglyphMethod
from restereo.options import Section
from restereo.sample import Observation, Operator, Prediction, Scene
from restereo.tasks import ALL_FLIPS, Figures, Task

CHANNELS = (1, 3)
COARSEST = 3.0
"""Size of the largest pieces of dirt in training: those of a picture whose shorter side has 768 px."""


class OldPhoto(Task):
    """One damaged grey channel in, three out."""

    channels_in, channels_out = CHANNELS
    headline = "psnr"
    baselines = ("grey_copy", "median")
    shown = (headline, "psnr_inside", "psnr_outside", "ssim", "mask_overlap", "colourfulness_difference")
    flips = ALL_FLIPS

    def __init__(self, degradation: OldPhotoDegradation, colour: bool, textures: str | None) -> None:
        self.degradation, self.colour, self.textures = degradation, colour, textures

    def prepare(self, scene: Scene) -> Scene:
        """Returns the scene, in grey if colours are not asked for."""
        return scene if self.colour else replace(scene, truth=luma(scene.truth).repeat(3, axis=2))

    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns the picture degraded; how is decided by its content."""
        return self._degrade(truth, self.degradation, np.random.default_rng(zlib.crc32(truth.tobytes())), frozen=True)

    def accept(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Observation:
        """Returns the picture's grey; where it is damaged is not known."""
        return Observation(luma(picture), "old")

    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns the scene, at times mirrored, and its degradation: with any grain up to a quarter more than usual.

        A network that sees the usual grain alone takes a picture without any for nothing but dirt. The scene may be a
        window of a larger picture, whose dirt is as large as that of the whole; from none to twice as much is drawn, so
        that damage is as likely as it is in use: a network that saw more of it takes what is small and bright for dirt.
        """
        rng = np.random.default_rng(seed)
        scene = random_flip(scene, rng)
        drawn = replace(
            self.degradation,
            grain=self.degradation.grain * rng.uniform(0, 1.25),
            dirt=self.degradation.dirt * rng.uniform(0, 2),
            grain_on_dirt=rng.uniform(0, 1),
            coarseness=COARSEST ** rng.uniform(0, 1),
        )
        return scene, self._degrade(scene.truth, drawn, rng, frozen=False)

    def _degrade(
        self, truth: Picture, degradation: OldPhotoDegradation, rng: np.random.Generator, frozen: bool
    ) -> Observation:
        textures = read_textures(self.textures, frozen) if self.textures else ()
        picture, mask = degrade_old_photo(luma(truth), rng, degradation, textures)
        return Observation(picture, "old", mask=mask)

    def project(
        self,
        image: Tensor,
        observed: Tensor,
        operator: Operator,
        calibration: Calibration,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Returns the answer moved onto what was observed, as far as the model takes that for undamaged."""
        moved = super().project(image, observed, operator, calibration)
        plain = image.clamp(0, 1)
        return moved if confidence is None else plain + confidence * (moved - plain)

    def default_calibration(self) -> Calibration:
        """Returns the calibration to use before anything was measured: grain is not believed."""
        known = super().default_calibration()
        doubt = 1.0 if self.degradation.grain > 0 else projection.QUANTISATION**2
        return replace(known, noise={"clean": doubt * torch.eye(1)})

    def measure(self, answer: Picture, prediction: Prediction, scene: Scene, observation: Observation) -> Figures:
        """Returns PSNR (all, inside, outside the damage), SSIM, overlap of the damage found and true, colourfulness."""
        mask = observation.mask
        figures: Figures = {
            "psnr": metrics.psnr(answer, scene.truth),
            "psnr_inside": None,
            "psnr_outside": None,
            "ssim": metrics.ssim(answer, scene.truth),
            "mask_overlap": None,
            "colourfulness_difference": colourfulness(answer) - colourfulness(scene.truth),
        }
        if mask is not None and mask.any() and not mask.all():
            for name, where in (("psnr_inside", mask), ("psnr_outside", ~mask)):
                figures[name] = metrics.psnr(answer[where], scene.truth[where])
            if prediction.confidence is not None:
                found = prediction.confidence[0, 0].numpy(force=True) < 0.5
                figures["mask_overlap"] = float((found & mask).sum() / (found | mask).sum())
        return figures

    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns the PSNR of the whole picture."""
        return metrics.psnr(answer, scene.truth)


class Options(Section):
    """What a row of `tasks:` may say.

    Attributes:
        grain: Standard deviation of the grain, of 1.
        dirt: How much dirt, 1 = as usual, 0 = none.
        colour: Whether colours are to be guessed too; without, the truth is grey.
        textures: Folder of PNG files whose transparency is real dirt; by default all dirt is drawn.
    """

    grain: float = Field(0.1, ge=0, le=1)
    dirt: float = Field(1.0, ge=0, le=100)
    colour: bool = True
    textures: str | None = None


def build(options: Options) -> OldPhoto:
    """Returns the task.

    Example:
        >>> build(Options(dirt=0)).observe(np.zeros((2, 3, 3), np.uint8)).picture.shape
        (2, 3, 1)
    """
    return OldPhoto(OldPhotoDegradation(options.grain, options.dirt), options.colour, options.textures)
