"""One file per task: a known degradation of a known picture; `build(*, ...)` returns a `Task`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from restereo.errors import UserError
from restereo.layers.projection import Calibration
from restereo.sample import Observation, Operator, Picture, Prediction, Scene

Figures = dict[str, float | None]


class Task(ABC):
    """What is observed of a picture, how an answer is moved back onto it, and how it is judged.

    Attributes:
        channels_in: Channels of the lifted observation, what a model takes.
        channels_out: Channels of the restored picture.
        needs_pairs: True if photos must first become stereo scenes.
        headline: The figure by which runs are compared; higher is better.
        baselines: Names of entries of `evaluation/baselines/`.
    """

    channels_in: ClassVar[int]
    channels_out: ClassVar[int]
    needs_pairs: ClassVar[bool]
    headline: ClassVar[str]
    baselines: ClassVar[tuple[str, ...]]

    @abstractmethod
    def variants(self, jpeg_quality: int) -> Mapping[str, int | None]:
        """Returns the frozen inputs of validation and test: name to JPEG quality, None for a clean one."""

    @abstractmethod
    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns the frozen observation of the headline: the task's plain degradation, saved as JPEG or not."""

    def observing(self, method: str) -> "Task":
        """Returns the same task with another way to degrade the headline's observation, if it knows several.

        Raises:
            UserError: It knows one only, or not this one.
        """
        raise UserError(f"this task observes in one way only, not by '{method}'; leave --method out.")

    @abstractmethod
    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns a training example, a pure function of the scene and the seed: augmented scene and observation."""

    @abstractmethod
    def operator(self, observation: Observation) -> Operator:
        """Returns the operator of one observation, a batch of one."""

    @abstractmethod
    def lift(self, observed: Tensor, operator: Operator) -> Tensor:
        """Returns `(B, channels_in, H, W)`, what a model takes."""

    @abstractmethod
    def project(self, image: Tensor, observed: Tensor, operator: Operator, calibration: Calibration) -> Tensor:
        """Returns the answer `(B, channels_out, H, W)` moved onto the observation, in [0, 1]."""

    @abstractmethod
    def residual(self, image: Tensor, observed: Tensor, operator: Operator) -> Tensor:
        """Returns `(B, C, H, W)`: what was observed less what the answer would have shown."""

    @abstractmethod
    def calibrate(
        self, model: nn.Module, variants: Mapping[str, list[tuple[Scene, Observation]]], device: torch.device
    ) -> Calibration:
        """Returns the covariances of the model's and of the observations' errors, measured on these examples."""

    @abstractmethod
    def default_calibration(self) -> Calibration:
        """Returns the calibration to use before anything was measured."""

    @abstractmethod
    def measure(self, answer: Picture, disparity: Tensor | None, scene: Scene, observation: Observation) -> Figures:
        """Returns the figures of one answer `(H, W, channels_out)` uint8; None where one is not defined."""

    @abstractmethod
    def trust(self, prediction: Prediction, observation: Observation) -> Figures:
        """Returns what can be said of an answer without knowing the truth; None where it is not defined."""

    @abstractmethod
    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns the headline figure of one answer: the same number as `measure`, without the slow ones."""


def to_tensor(picture: Picture) -> Tensor:
    """Returns `(1, C, H, W)` float32 in [0, 1] of a `(H, W, C)` uint8 picture.

    Example:
        >>> import numpy as np
        >>> to_tensor(np.full((1, 2, 3), 255, np.uint8)).shape
        torch.Size([1, 3, 1, 2])
    """
    return torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255


def to_picture(image: Tensor) -> Picture:
    """Returns `(H, W, C)` uint8 of a `(1, C, H, W)` image, clipped and rounded.

    Example:
        >>> to_picture(torch.full((1, 3, 1, 1), 2.0)).tolist()
        [[[255, 255, 255]]]
    """
    picture: Picture = image[0].detach().mul(255).round().clamp(0, 255).byte().permute(1, 2, 0).cpu().numpy()
    return picture


def restore(
    model: nn.Module, task: Task, observed: Tensor, operator: Operator, calibration: Calibration, *known: Any
) -> Prediction:
    """Returns the model's prediction moved onto the observation `(B, C, H, W)`, in [0, 1].

    What the model is told beside the observation, such as a match, is passed on as it is.
    """
    prediction: Prediction = model(task.lift(observed, operator), *known)
    image = prediction.image.float()
    residual = task.residual(image, observed, operator).square().mean(dim=1, keepdim=True).sqrt()
    return replace(prediction, image=task.project(image, observed, operator, calibration), residual=residual)
