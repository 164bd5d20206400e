"""Stereo super-resolution: two small views of one scene, enlarged together, and their disparity."""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging import metrics
from restereo.imaging.degradations import Degradations, augment_scene
from restereo.imaging.pair_faults import faults
from restereo.imaging.resampling import consistent, larger, smaller
from restereo.layers.projection import Calibration
from restereo.methods import AnaglyphMethod
from restereo.options import Section
from restereo.sample import Observation, Operator, Prediction, Scene
from restereo.tasks import Doubt, Figures, Task, to_picture, to_tensor

CHANNELS = (12, 6)


class StereoSR(Task):
    """Six channels in, six out, `scale` times larger each way."""

    channels_in, channels_out = CHANNELS
    needs_pairs = True
    headline = "psnr"
    baselines = ("bicubic", "small_sgbm")
    shown = (headline, "psnr_left", "psnr_right", "ssim", "epe")

    def __init__(self, scale: int, settings: Degradations) -> None:
        self.scale, self.settings = scale, settings

    def prepare(self, scene: Scene) -> Scene:
        """Returns the scene without the last rows and columns that no whole small pixel covers."""
        height, width = (side // self.scale * self.scale for side in scene.truth.shape[:2])
        disparity, occlusion = scene.disparity, scene.occlusion
        return replace(
            scene,
            truth=scene.truth[:height, :width],
            disparity=None if disparity is None else disparity[:, :height, :width],
            occlusion=None if occlusion is None else occlusion[:, :height, :width],
        )

    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns both views made smaller, of 8 bits."""
        return Observation(to_picture(smaller(to_tensor(truth), self.scale)), f"bicubic-x{self.scale}")

    def accept(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Observation:
        """Returns both views of a picture that shows them side by side, left first."""
        if picture.shape[1] % 2:
            raise UserError(f"{name}: {picture.shape[1]} px wide; both views side by side are an even number wide.")
        views = np.concatenate(np.split(picture, 2, axis=1), axis=2)
        return Observation(views, f"bicubic-x{self.scale}", jpeg_quality)

    def doubt(self, picture: Picture) -> Doubt | None:
        """Returns what is wrong with two views, shown side by side, as a pair: rows, scene or order."""
        found = faults(*np.split(picture, 2, axis=1))
        doubts = {
            "rows": Doubt("rows of the two views disagree by {:+.1f} px", "rectify them"),
            "scenes": Doubt("the views show different scenes ({:.0%} of them match)", "give the two views of one"),
            "order": Doubt("the views look swapped", "give the left eye's first"),
        }
        for fault, figure in found.items():
            return doubts[fault]._replace(reason=doubts[fault].reason.format(figure))
        return None

    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns the scene, at times mirrored, upside down or in other colours, and its small views."""
        scene = augment_scene(scene, seed, self.settings)
        return scene, self.observe(scene.truth)

    def operator(self, observation: Observation) -> Operator:
        """Returns the operator that keeps every channel and makes the picture smaller."""
        return Operator(torch.eye(6)[None], torch.tensor([False]), torch.ones(1, 6), scale=self.scale)

    def lift(self, observed: Tensor, operator: Operator) -> Tensor:
        """Returns both views enlarged smoothly (six channels), and each small pixel repeated (six)."""
        repeated = F.interpolate(observed, scale_factor=self.scale, mode="nearest-exact")
        return torch.cat([larger(observed, self.scale), repeated], dim=1)

    def project(
        self,
        image: Tensor,
        observed: Tensor,
        operator: Operator,
        calibration: Calibration,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Returns the answer changed so that it gives the small views when it is made smaller."""
        return consistent(image, observed, self.scale)

    def residual(self, image: Tensor, observed: Tensor, operator: Operator) -> Tensor:
        """Returns what was observed less the answer made smaller, `(B, 6, h, w)`."""
        return observed - smaller(image, self.scale)

    def calibrate(
        self, model: nn.Module, variants: Mapping[str, list[tuple[Scene, Observation]]], device: torch.device
    ) -> Calibration:
        """Returns no calibration: the small views are exact but for rounding."""
        return self.default_calibration()

    def default_calibration(self) -> Calibration:
        """Returns no covariances; the projection needs none."""
        return Calibration({}, {})

    def measure(self, answer: Picture, prediction: Prediction, scene: Scene, observation: Observation) -> Figures:
        """Returns PSNR and SSIM of RGB, whole picture, mean of left and right; the left eye's disparity error."""
        views = {"left": slice(0, 3), "right": slice(3, 6)}
        psnr = {name: metrics.psnr(answer[..., c], scene.truth[..., c]) for name, c in views.items()}
        ssim = [metrics.ssim(answer[..., c], scene.truth[..., c]) for c in views.values()]
        figures: Figures = {"psnr": sum(psnr.values()) / 2, "ssim": sum(ssim) / 2}
        figures |= {f"psnr_{name}": value for name, value in psnr.items()} | {"epe": None}
        if prediction.disparity is not None and scene.disparity is not None:
            error = metrics.epe(prediction.disparity[0, 0].numpy(force=True), scene.disparity[0])
            figures["epe"] = error if math.isfinite(error) else None
        return figures

    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns the mean PSNR of both views."""
        return sum(metrics.psnr(answer[..., c], scene.truth[..., c]) for c in (slice(0, 3), slice(3, 6))) / 2


class Options(Section):
    """What a row of `tasks:` may say.

    Attributes:
        scale: How many times smaller the views are.
        degradations: How often training scenes are mirrored, turned and recoloured; what belongs to anaglyphs in
            section `synthesize` changes nothing here.
    """

    scale: Literal[2, 4] = 4
    degradations: Degradations = Degradations()


def build(options: Options) -> StereoSR:
    """Returns the task.

    Example:
        >>> build(Options(scale=2)).observe(np.zeros((8, 12, 6), np.uint8)).picture.shape
        (4, 6, 6)
    """
    return StereoSR(options.scale, options.degradations)
