"""How a model answers for its task: to mirrored and smaller copies if the task says so, moved onto the observation."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from restereo.imaging.resampling import enlarged_rows, reduced
from restereo.layers.projection import Calibration
from restereo.sample import Operator, Prediction

if TYPE_CHECKING:
    from restereo.tasks import Task

Flips = tuple[tuple[int, ...], ...]
LONGEST = 16
"""How many times longer than wide a copy may be that a task sees: of a longer strip it is smaller still."""
COPIES = (7 / 8, 9 / 8)
"""Sizes of the copies that a task sees, as shares of `Task.sees`. What errs at random errs less in their mean: settled
on validation photos, where a third copy gained nothing."""


def averaged(model: nn.Module, lifted: Tensor, flips: Flips, known: tuple[Any, ...] = ()) -> Prediction:
    """Returns a model's answer to a lifted observation `(B, C, H, W)`, as the mean over its mirrored copies.

    What errs at random errs less (geometric self-ensemble, Timofte et al. 2016): image and confidence alone are kept.

    Args:
        model: The model.
        lifted: What it takes.
        flips: Axes of each copy; with the picture as it is alone, its prediction is returned whole.
        known: What it is told beside.

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
    model: nn.Module, task: "Task", copy: Callable[[float], Tensor], operator: Operator, height: int, width: int
) -> Tensor:
    """Returns what a model makes `(B, K, h, w)` of the copy that its task sees: the mean over `COPIES`.

    Args:
        model: The model.
        task: A task that `sees` a copy.
        copy: Returns the observation `(B, C, h, w)`, reduced by this factor.
        operator: The degradation.
        height: Of the whole observation.
        width: Likewise.
    """
    assert task.sees is not None
    scale = min(task.sees / min(height, width), task.sees * math.sqrt(LONGEST / (height * width)))
    answers = [averaged(model, task.lift(copy(scale * size), operator), task.flips).image.float() for size in COPIES]
    largest = answers[-1].shape[-2:]
    return torch.stack([enlarged_rows(answer, slice(0, largest[0]), *largest) for answer in answers]).mean(0)


def predict(
    model: nn.Module,
    task: "Task",
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
        known: What the model is told beside the observation, such as a match.
        seen: `(B, K, H, W)`, for a task that `sees` a copy: the answer to it at full size, if it is there already.
    """
    if task.sees is None:
        return averaged(model, task.lift(observed, operator), task.flips, known)
    if seen is None:
        height, width = observed.shape[-2:]
        small = overview(model, task, lambda scale: reduced(observed, scale), operator, height, width)
        seen = enlarged_rows(small, slice(0, height), height, width)
    return Prediction(seen)


def restore(
    model: nn.Module,
    task: "Task",
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
