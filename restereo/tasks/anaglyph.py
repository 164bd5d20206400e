"""Anaglyph to stereo: two colour views from three channels."""

import math
from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from pydantic import field_validator
from torch import Tensor, nn

from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging import metrics, stereo
from restereo.imaging.anaglyph import eye_channels, form
from restereo.imaging.degradations import (
    Degradations,
    augment_scene,
    degrade_anaglyph,
    jpeg,
    other_spectrum,
    perturb_pair,
)
from restereo.imaging.detection import detect
from restereo.layers import projection
from restereo.layers.projection import Calibration, operator_of
from restereo.methods import HEADLINE_METHOD, METHODS, AnaglyphMethod, method_shares, parse
from restereo.options import Section, Weight
from restereo.sample import Observation, Operator, Prediction, Scene
from restereo.tasks import Doubt, Figures, Task, mean_residual, to_tensor

CHANNELS = (12, 6)
STRIDE = 3
"""Calibration looks at every third pixel of a row and every third row."""


def method_of(observation: Observation) -> AnaglyphMethod:
    """Returns the method of an observed anaglyph.

    Raises:
        TypeError: It is an observation of another task.
    """
    if isinstance(observation.method, AnaglyphMethod):
        return observation.method
    raise TypeError(f"no anaglyph, but an observation by '{observation.method}'")


class Anaglyph(Task):
    """The task of this project's name."""

    channels_in, channels_out = CHANNELS
    needs_pairs = True
    headline = "missing_psnr"
    baselines = ("identity", "grey", "sgbm", "sgbm_blind")
    shown = (headline, "missing_psnr_visible", "missing_psnr_occluded", "psnr_left", "psnr_right", "ciede2000")

    def __init__(self, settings: Degradations, methods: Mapping[str, float] | None) -> None:
        self.settings = settings
        shares = method_shares(methods)
        self.methods, self.shares = [parse(name) for name in shares], list(shares.values())
        self.observed = METHODS[HEADLINE_METHOD]

    def observing(self, method: AnaglyphMethod) -> "Anaglyph":
        """Returns the task whose frozen observations are of this method instead of colour red-cyan."""
        other = copy(self)
        other.observed = method
        return other

    def variants(self, jpeg_quality: int) -> Mapping[str, int | None]:
        """Returns a clean input and one saved as JPEG 4:2:0."""
        return {"clean": None, f"jpeg{jpeg_quality}": jpeg_quality}

    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns the anaglyph of six channels, colour red-cyan unless the task is `observing` another method."""
        picture = form(truth[..., :3], truth[..., 3:], self.observed)
        if jpeg_quality is not None:
            picture = jpeg(picture, jpeg_quality)
        return Observation(picture, self.observed, jpeg_quality)

    def accept(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Observation:
        """Returns the picture as an anaglyph of this method; without one it is detected."""
        if method is None:
            found = detect(picture, name)
            if found.plain:
                raise UserError(f"{name}: a plain photo, not an anaglyph; name its method to try anyway.")
            method = found.method
        return Observation(picture, method, jpeg_quality)

    def doubt(self, picture: Picture) -> Doubt | None:
        """Returns that it is a plain picture, if it is one."""
        return Doubt("a plain picture, not an anaglyph", "name its method") if detect(picture).plain else None

    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns a randomly flipped and exposed scene, and its anaglyph of a random method, degraded."""
        rng = np.random.default_rng(seed)
        seeds = [int(part) for part in rng.integers(2**31, size=3)]
        scene = augment_scene(scene, seeds[0], self.settings)
        left, right = perturb_pair(scene.truth[..., :3], scene.truth[..., 3:], seeds[1], self.settings)
        truth = np.concatenate([left, right], axis=-1)
        method = self.methods[int(rng.choice(len(self.methods), p=self.shares))]
        if rng.random() < self.settings.spectrum:
            left = other_spectrum(left, seeds[2])  # which eye does not matter: scenes are mirrored at random
        picture = degrade_anaglyph(form(left, right, method), seeds[2], self.settings)
        return Scene(scene.name, truth, scene.disparity, scene.occlusion), Observation(picture, method)

    def operator(self, observation: Observation) -> Operator:
        """Returns the method's operator; it is lossy if the observation went through JPEG."""
        return operator_of(method_of(observation), observation.jpeg_quality is not None)

    def lift(self, observed: Tensor, operator: Operator) -> Tensor:
        """Returns the linear estimate of both views and the spread of its channels, six and six: one way in for all."""
        spread = projection.estimate_spread(operator)[:, :, None, None]
        estimate = projection.linear_estimate(observed, operator)
        return torch.cat([estimate, spread.expand_as(estimate)], dim=1)

    def project(
        self,
        image: Tensor,
        observed: Tensor,
        operator: Operator,
        calibration: Calibration,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Returns both views moved onto the anaglyph, the lossy ones by what was measured on JPEG inputs."""
        lossy = torch.zeros_like(operator.linear) if operator.lossy is None else operator.lossy
        answers = [
            projection.project(image, observed, operator, calibration.error[variant], calibration.noise[variant])
            for variant in (("clean", "jpeg") if lossy.any() else ("clean", "clean"))
        ]
        return torch.where(lossy[:, None, None, None], answers[1], answers[0])

    def default_calibration(self) -> Calibration:
        """Returns the channels of one eye correlated .9; noise of rounding, and 2 % (Y) and 4 % (Cb, Cr) for JPEG."""
        rounding = projection.QUANTISATION**2
        noise = {
            "clean": projection.noise_covariance((rounding, rounding, rounding), jpeg=False),
            "jpeg": projection.noise_covariance((0.02**2, 0.04**2, 0.04**2), jpeg=True),
        }
        error = 0.1**2 * projection.default_error()
        return Calibration({"clean": error, "jpeg": error}, noise)

    def calibrate(
        self, model: nn.Module, variants: Mapping[str, list[tuple[Scene, Observation]]], device: torch.device
    ) -> Calibration:
        """Returns Σ and R as second moments over validation examples that count alike, clean and JPEG apart."""
        error, noise = {}, {}
        for inputs, examples in variants.items():
            variant = "clean" if inputs == "clean" else "jpeg"
            errors, noises = zip(*(self._deviations(model, *example, device) for example in examples), strict=True)
            weights = projection.evened(errors)
            error[variant], noise[variant] = (_second_moment(parts, weights) for parts in (errors, noises))
            noise[variant] += projection.QUANTISATION**2 * torch.eye(3)
        return Calibration(error, noise)

    def _deviations(
        self, model: nn.Module, scene: Scene, observation: Observation, device: torch.device
    ) -> tuple[Tensor, Tensor]:
        """Errors `(N, 6)` of the model's answer and `(N, 3)` of the observation itself."""
        truth, observed = to_tensor(scene.truth).to(device), to_tensor(observation.picture).to(device)
        operator = self.operator(observation).to(device)
        with torch.inference_mode():
            image = model(self.lift(observed, operator)).image.float()
        error = truth - image.clamp(0, 1)
        noise = projection.residual(truth, observed, operator)
        return _pixels(error), _pixels(noise)

    def measure(self, answer: Picture, prediction: Prediction, scene: Scene, observation: Observation) -> Figures:
        """Returns the figures of the protocol (docs/protocol.md)."""
        truth = scene.truth
        missing = metrics.missing_channels(method_of(observation))
        views = {"left": slice(0, 3), "right": slice(3, 6)}
        figures: Figures = {
            "missing_psnr": None if missing is None else metrics.missing_psnr(answer, truth, missing),
            "missing_psnr_visible": None,
            "missing_psnr_occluded": None,
            "ghost": None,
            "strip_saturation": None,
            "psnr": metrics.psnr(answer, truth),
            "epe": None,
        }
        if scene.occlusion is not None and scene.disparity is not None:
            strips = metrics.strip_saturation(answer, truth, scene.disparity, scene.occlusion)
            figures["strip_saturation"] = strips
        if missing is not None and scene.occlusion is not None:
            known = np.ones_like(scene.occlusion) if scene.disparity is None else _known(scene)
            figures["missing_psnr_visible"] = metrics.missing_psnr(answer, truth, missing, known & ~scene.occlusion)
            figures["missing_psnr_occluded"] = metrics.missing_psnr(answer, truth, missing, known & scene.occlusion)
            if scene.disparity is not None:
                figures["ghost"] = metrics.ghost(answer, truth, missing, scene.disparity, scene.occlusion)
        for eye, channels in views.items():
            figures[f"psnr_{eye}"] = metrics.psnr(answer[..., channels], truth[..., channels])
        for eye, channels in views.items():
            figures[f"ssim_{eye}"] = metrics.ssim(answer[..., channels], truth[..., channels])
        differences = [metrics.ciede2000(answer[..., c], truth[..., c]) for c in views.values()]
        figures["ciede2000"] = sum(differences) / len(differences)
        matched = None if prediction.disparity is None else prediction.disparity[0, 0].cpu().numpy()
        if matched is not None and scene.disparity is not None:
            figures["epe"] = metrics.epe(matched, scene.disparity[0])
        # A figure over no pixel at all, such as the occluded ones of a flat scene, is not defined.
        return {name: value if value is not None and math.isfinite(value) else None for name, value in figures.items()}

    def trust(self, prediction: Prediction, observation: Observation) -> Figures:
        """Returns the mean residual before projection and the match support, of a batch of one.

        Support is the share of pixels whose match both eyes name, and the correlation of the eyes' normalised
        gradients there. Eyes of different scenes have little of either: 1.0 for `unrelated` flags them. By how many
        codes the views' colours differ there says whether the method was the right one.
        """
        trust: Figures = {"residual": mean_residual(prediction), "match_share": None, "match_correlation": None}
        trust |= {"unrelated": None, "color_difference": None}
        own = eye_channels(method_of(observation).matrix)
        if prediction.disparity is None or prediction.confidence is None or not all(own):
            return trust
        matched = prediction.confidence[0, 0].numpy(force=True) > 0
        left, right = (observation.picture[..., list(channels)].mean(axis=2, dtype=np.float32) for channels in own)
        disparity = prediction.disparity[0, 0].numpy(force=True)
        trust["match_share"] = float(matched.mean())
        trust["unrelated"] = float(stereo.unrelated(float(matched.mean())))
        trust["match_correlation"] = stereo.gradient_correlation(left, right, disparity, matched)
        views = prediction.image[0].clamp(0, 1).mul(255).unflatten(0, (2, 3)).permute(0, 2, 3, 1).numpy(force=True)
        trust["color_difference"] = stereo.color_difference(views[0], views[1], disparity, matched)
        return trust

    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns `missing_psnr`, or the full PSNR of both views where no channel is missing outright."""
        missing = metrics.missing_channels(method_of(observation))
        return (
            metrics.psnr(answer, scene.truth) if missing is None else metrics.missing_psnr(answer, scene.truth, missing)
        )


def _known(scene: Scene) -> Any:
    """Pixels with a true disparity, and those of a view without any map of its own known to be occluded."""
    assert scene.disparity is not None and scene.occlusion is not None
    return np.isfinite(scene.disparity) | scene.occlusion


def _pixels(image: Tensor) -> Tensor:
    return image[0, :, ::STRIDE, ::STRIDE].flatten(1).T


def _second_moment(pictures: Sequence[Tensor], weights: Tensor) -> Tensor:
    moments = torch.stack([one.double().T @ one.double() / len(one) for one in pictures])
    return (weights[:, None, None] * moments).mean(0).float().cpu()


class Options(Section):
    """What a row of `tasks:` may say.

    Attributes:
        degradations: Of training inputs, over section `synthesize`'s.
        methods: Weight of each anaglyph method among training inputs; by default every method, half of the
            inputs colour red-cyan.
    """

    degradations: Degradations = Degradations()
    methods: dict[str, Weight] | None = None

    @field_validator("methods")
    @classmethod
    def _known(cls, methods: dict[str, float] | None) -> dict[str, float] | None:
        names = [parse(name).name for name in methods or ()]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"method '{twice[0]}' is named twice")
        if methods is not None and sum(methods.values()) <= 0:
            raise ValueError("at least one weight must be above 0")
        return methods


def build(options: Options) -> Anaglyph:
    """Returns the task."""
    return Anaglyph(options.degradations, options.methods)
