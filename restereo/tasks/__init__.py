"""One file per task: a known degradation of a known picture; `build(options)` returns a `Task`.

And how a model answers for its task: it is asked for flipped and smaller copies if the task says so, and its answer is
moved onto the observation.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from restereo import catalog
from restereo.errors import Parameter, UserError
from restereo.image import Picture
from restereo.imaging.color import has_colours
from restereo.imaging.resampling import enlarged_rows, reduced
from restereo.layers import projection
from restereo.layers.projection import Calibration
from restereo.methods import AnaglyphMethod
from restereo.sample import Observation, Operator, Prediction, Scene

Figures = dict[str, float | None]
Flips = tuple[tuple[int, ...], ...]
LONGEST = 16
"""How many times longer than wide a copy of `Task.working_size` may be: of a longer strip it is smaller still."""
COPIES = (7 / 8, 9 / 8)
"""Sizes of the copies, as shares of `Task.working_size`. What errs at random errs less in their mean: settled
on validation photos, where a third copy gained nothing."""
LEFT_RIGHT: Flips = ((), (3,))
ALL_FLIPS: Flips = ((), (3,), (2,), (2, 3))


class Doubt(NamedTuple):
    """Why a picture is hardly what a task restores, and what to give instead, in words."""

    reason: str
    fix: str


class Task(ABC):
    """What is observed of a picture, how an answer is moved back onto it, and how it is judged.

    What is not abstract is what a task does that sees one channel of one picture, such as its grey.

    Attributes:
        channels_in: Channels of the lifted observation, what a model takes.
        channels_out: Channels of the restored picture.
        needs_pairs: True if photos must first become stereo scenes.
        headline: The figure by which runs are compared.
        better: 1 if a higher headline is better, -1 if a lower one is.
        baselines: Names in `evaluation.baselines.BASELINES`.
        shown: The figures that a table in a terminal shows.
        scale: How many times larger an answer is than its observation, each way.
        working_size: Shorter side in px of the copy of a larger picture that models look at; its enlarged answer is
            moved onto the whole observation; None = models look at the picture itself. Training scenes are no larger.
        flips: Axes along which models see a picture mirrored, once for each entry; their answers are averaged.
    """

    channels_in: ClassVar[int]
    channels_out: ClassVar[int]
    needs_pairs: ClassVar[bool] = False
    headline: ClassVar[str]
    better: ClassVar[int] = 1
    baselines: ClassVar[tuple[str, ...]]
    shown: ClassVar[tuple[str, ...]]
    scale: int = 1
    working_size: int | None = None
    flips: ClassVar[Flips] = ((),)

    def variants(self, jpeg_quality: int) -> Mapping[str, int | None]:
        """Returns the frozen inputs of validation and test: name to JPEG quality, None for `clean`, which decides."""
        return {"clean": None}

    def prepare(self, scene: Scene) -> Scene:
        """Returns what is to be restored of a scene as it was read: all of it, unless a task says otherwise."""
        return scene

    @abstractmethod
    def observe(self, truth: Picture, jpeg_quality: int | None = None) -> Observation:
        """Returns the frozen observation of the headline: the task's plain degradation, saved as JPEG or not."""

    def observing(self, method: AnaglyphMethod) -> "Task":
        """Returns the same task with another way to degrade the headline's observation, if it knows several.

        Raises:
            UserError: It knows one only, or not this one.
        """
        remedy = "leave out ", Parameter("method")
        raise UserError(f"this task observes in one way only, not by '{method}'", remedy=remedy)

    @abstractmethod
    def accept(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Observation:
        """Returns what a picture `(H, W, 3)` that a user brings is an observation of.

        Raises:
            UserError: It cannot be what this task restores, or the method is unknown; `name` is what it is called.
        """

    def doubt(self, picture: Picture) -> Doubt | None:
        """Returns what speaks against taking this picture `(H, W, 3)` that a user brings, if anything does."""
        if has_colours(picture):
            return Doubt("it has colours of its own, which are not used", "give a grey picture")
        return None

    @abstractmethod
    def draw(self, scene: Scene, seed: int) -> tuple[Scene, Observation]:
        """Returns a training example, a pure function of the scene and the seed: augmented scene and observation."""

    def operator(self, observation: Observation) -> Operator:
        """Returns the operator of one observation, a batch of one: grey, unless a task says otherwise."""
        return projection.grey_operator()

    def lift(self, observed: Tensor, operator: Operator) -> Tensor:
        """Returns `(B, channels_in, H, W)`, what a model takes: what was observed, unless a task says otherwise."""
        return observed

    def project(
        self,
        image: Tensor,
        observed: Tensor,
        operator: Operator,
        calibration: Calibration,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Returns the answer `(B, channels_out, H, W)` moved onto the observation, in [0, 1].

        `confidence` is the model's own, if it has any: what it says of the observation may decide what is believed.
        """
        error, noise = calibration.error["clean"], calibration.noise["clean"]
        return projection.project(image, observed, operator, error, noise)

    def residual(self, image: Tensor, observed: Tensor, operator: Operator) -> Tensor:
        """Returns `(B, C, h, w)`: what was observed less what the answer would have shown."""
        return projection.residual(image, observed, operator)

    def calibrate(
        self, model: nn.Module, variants: Mapping[str, list[tuple[Scene, Observation]]], device: torch.device
    ) -> Calibration:
        """Returns the covariances of the model's and of the observations' errors, measured on these examples."""
        parts: list[tuple[Tensor, Tensor]] = []
        for scene, observation in variants["clean"]:
            operator, observed = self.operator(observation).to(device), to_tensor(observation.picture).to(device)
            with torch.inference_mode():
                image = predict(model, self, observed, operator).image.float().clamp(0, 1)
            error = to_tensor(scene.truth).to(device) - image
            seen = torch.ones(image.shape[-2:], dtype=torch.bool)
            if observation.mask is not None:
                seen = ~torch.from_numpy(observation.mask)
            pair = error, self.residual(image, observed, operator)
            parts.append((pair[0][0][:, seen].T.cpu(), pair[1][0][:, seen].T.cpu()))
        scales = projection.evened([error for error, _ in parts]).sqrt()
        scaled = [(scale * error, scale * seen) for scale, (error, seen) in zip(scales, parts, strict=True)]
        errors, residuals = (torch.cat(list(some)) for some in zip(*scaled, strict=True))
        error, noise = projection.measured(errors, residuals, operator.matrix[0].cpu())
        return Calibration({"clean": error}, {"clean": noise})

    def default_calibration(self) -> Calibration:
        """Returns the calibration to use before anything was measured: the observation is exact but for rounding."""
        error = 0.1**2 * projection.default_error(self.channels_out // 3)
        return Calibration({"clean": error}, {"clean": projection.QUANTISATION**2 * torch.eye(1)})

    @abstractmethod
    def measure(self, answer: Picture, prediction: Prediction, scene: Scene, observation: Observation) -> Figures:
        """Returns the figures of one answer `(H, W, channels_out)` uint8; None where one is not defined."""

    def trust(self, prediction: Prediction, observation: Observation) -> Figures:
        """Returns what can be said of an answer without knowing the truth; None where it is not defined."""
        return {"residual": mean_residual(prediction)}

    @abstractmethod
    def headline_of(self, answer: Picture, scene: Scene, observation: Observation) -> float:
        """Returns the headline figure of one answer: the same number as `measure`, without the slow ones."""


def averaged(model: nn.Module, lifted: Tensor, flips: Flips, known: tuple[Any, ...] = ()) -> Prediction:
    """Returns a model's answer to a lifted observation `(B, C, H, W)`, as the mean over its mirrored copies.

    What errs at random errs less (geometric self-ensemble, Timofte et al. 2016): image and confidence alone are kept.

    Args:
        model: The model.
        lifted: What it takes.
        flips: Axes of each copy; with the picture as it is alone, its prediction is returned whole.
        known: What else it takes.

    Example:
        >>> ramp = torch.arange(3.0).expand(1, 1, 1, 3)
        >>> averaged(lambda x: Prediction(x.cumsum(-1)), ramp, ((), (3,))).image.flatten().tolist()
        [1.5, 2.0, 2.5]
    """
    if len(flips) == 1:
        prediction: Prediction = model(lifted, *known)
        return prediction
    assert not known, "it is of the picture as it is, not of its mirrored copies"
    answers = [(model(lifted.flip(axes)), axes) for axes in flips]
    image = torch.stack([answer.image.float().flip(axes) for answer, axes in answers]).mean(0)
    sure = [answer.confidence.flip(axes) for answer, axes in answers if answer.confidence is not None]
    return Prediction(image, confidence=torch.stack(sure).mean(0) if sure else None)


def overview(
    model: nn.Module, task: Task, copy: Callable[[float], Tensor], operator: Operator, height: int, width: int
) -> Tensor:
    """Returns what a model makes `(B, K, h, w)` of the copy at its task's `working_size`: the mean over `COPIES`.

    Args:
        model: The model.
        task: A task with a `working_size`.
        copy: Returns the observation `(B, C, h, w)`, reduced by this factor.
        operator: The degradation.
        height: Of the whole observation.
        width: Likewise.
    """
    assert task.working_size is not None
    scale = min(task.working_size / min(height, width), task.working_size * math.sqrt(LONGEST / (height * width)))
    answers = [averaged(model, task.lift(copy(scale * size), operator), task.flips).image.float() for size in COPIES]
    largest = answers[-1].shape[-2:]
    return torch.stack([enlarged_rows(answer, slice(0, largest[0]), *largest) for answer in answers]).mean(0)


def predict(
    model: nn.Module,
    task: Task,
    observed: Tensor,
    operator: Operator,
    known: tuple[Any, ...] = (),
    seen: Tensor | None = None,
) -> Prediction:
    """Returns the model's own answer to an observation `(B, C, H, W)`, at the size that is asked for.

    Args:
        model: The model.
        task: Its task.
        observed: In [0, 1].
        operator: The degradation.
        known: What the model takes beside the observation, such as a match.
        seen: `(B, K, H, W)`, for a task with a `working_size`: the answer to it at full size, if it is there already.
    """
    if task.working_size is None:
        return averaged(model, task.lift(observed, operator), task.flips, known)
    if seen is None:
        height, width = observed.shape[-2:]
        small = overview(model, task, lambda scale: reduced(observed, scale), operator, height, width)
        seen = enlarged_rows(small, slice(0, height), height, width)
    return Prediction(seen)


def restore(
    model: nn.Module,
    task: Task,
    observed: Tensor,
    operator: Operator,
    calibration: Calibration,
    known: tuple[Any, ...] = (),
    seen: Tensor | None = None,
) -> Prediction:
    """Returns the model's prediction moved onto the observation `(B, C, H, W)`, in [0, 1]; see `predict`."""
    prediction = predict(model, task, observed, operator, known, seen)
    image = prediction.image.float()
    residual = task.residual(image, observed, operator).square().mean(dim=1, keepdim=True).sqrt()
    image = task.project(image, observed, operator, calibration, prediction.confidence)
    return replace(prediction, image=image, residual=residual)


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


def mean_residual(prediction: Prediction) -> float | None:
    """Returns the root mean square of the residual before projection; None where nothing was projected.

    Example:
        >>> mean_residual(Prediction(torch.zeros(1, 3, 1, 1), residual=torch.full((1, 1, 2, 2), 0.25)))
        0.25
    """
    return None if prediction.residual is None else float(prediction.residual.square().mean().sqrt())


def build_task(kind: str, options: Mapping[str, Any]) -> Task:
    """Returns a task of the catalog.

    Args:
        kind: Its file.
        options: Of a row, or of a stored run. `degradations`, which section `synthesize` states for all tasks alike,
            is left out where the task has none.

    Raises:
        UserError: There is no such task, it has no such option, or not with this value.
    """
    common = {"degradations"} - set(catalog.options_of("task", kind).model_fields)
    task: Task = catalog.build("task", kind, **{key: value for key, value in options.items() if key not in common})
    return task


def build_model(task: Task, name: str, options: Mapping[str, Any]) -> nn.Module:
    """Returns a model of the catalog for a task, with random weights. One that enlarges is given the task's scale.

    Raises:
        UserError: There is no such model, it has no such option, not with this value, or does not fit the task.
    """
    catalog.check_fit(name, (task.channels_in, task.channels_out))
    scale = {"scale": task.scale} if "scale" in catalog.options_of("model", name).model_fields else {}
    model: nn.Module = catalog.build("model", name, task.channels_in, task.channels_out, **{**scale, **options})
    return model
