"""What flows from the data to the model and back, typed once."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restereo.image import Picture
from restereo.methods import AnaglyphMethod


@dataclass(frozen=True)
class Scene:
    """One known picture on the processor's side.

    Attributes:
        name: Unique within its split.
        truth: `(H, W, K)` uint8.
        disparity: `(2, H, W)` float of left and right in px, positive = near, NaN = unknown; or None.
        occlusion: `(2, H, W)` bool, True where the other eye does not see the pixel; or None.
    """

    name: str
    truth: Picture
    disparity: npt.NDArray[np.floating[Any]] | None = None
    occlusion: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Observation:
    """What a user would hold of a scene.

    Attributes:
        picture: `(h, w, C)` uint8; smaller than the truth if the task enlarges.
        method: The anaglyph's method, or the name of a task's only degradation.
        jpeg_quality: 1 to 100 if it went through a 4:2:0 JPEG file, else None.
        mask: `(h, w)` bool, True where the picture was destroyed; None where that is not known, or nowhere.
    """

    picture: Picture
    method: AnaglyphMethod | str
    jpeg_quality: int | None = None
    mask: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Operator:
    """A batch of linear degradations `A = P·X`, in the transfer domain in which the method works.

    Attributes:
        matrix: `(B, C, K)` float32, the matrix P of each picture.
        linear: `(B,)` bool; True where P acts on linear light (sRGB decoded), False on encoded values.
        exponent: `(B, C)` float32; channel c was stored as `(P·X)_c ** (1 / exponent_c)`, 1 for most methods.
        lossy: `(B,)` bool; True where the observation went through a JPEG file. None = nowhere.
        scale: How many times smaller the observation is than the picture, each way; 1 for most tasks.
    """

    matrix: Tensor
    linear: Tensor
    exponent: Tensor
    lossy: Tensor | None = None
    scale: int = 1

    def to(self, device: torch.device | str) -> Self:
        """Returns the same operator on another device."""
        moved: Self = _moved(self, device)
        return moved


@dataclass(frozen=True)
class Sample:
    """A batch of observations of known pictures. All pictures are float32 in [0, 1].

    Attributes:
        observed: `(B, C, h, w)`, what a user would hold (the anaglyph); h = H / scale.
        truth: `(B, K, H, W)`, the picture it was made of (left RGB, right RGB).
        operator: The degradation P.
        disparity: `(B, 2, H, W)` of left and right in px, positive = near, NaN = unknown; or None.
        occlusion: `(B, 2, H, W)` bool, True where the other eye does not see the pixel; or None.
        mask: `(B, 1, H, W)` bool, True where the observation was destroyed; or None.
    """

    observed: Tensor
    truth: Tensor
    operator: Operator
    disparity: Tensor | None = None
    occlusion: Tensor | None = None
    mask: Tensor | None = None

    def to(self, device: torch.device | str) -> Self:
        """Returns the same sample on another device."""
        moved: Self = _moved(self, device)
        return moved


@dataclass
class Prediction:
    """What a model says. Not frozen: Lightning Fabric rebuilds what a model returns when it sets its precision.

    Attributes:
        image: `(B, K, H, W)` float32, the restored picture, not clipped.
        disparity: `(B, 2, H, W)` float32 of left and right in px, or None if the model matches nothing.
        confidence: `(B, V, H, W)` float32 in [0, 1] per view, 0 = colour invented here; or None.
        scores: What the model's own `losses` need of it in training, or None.
        residual: `(B, 1, h, w)`: by how much the image, before it was moved onto the observation, contradicted it; root
            mean square over the observed channels, in the method's domain. None before that.
    """

    image: Tensor
    disparity: Tensor | None = None
    confidence: Tensor | None = None
    scores: Any = None
    residual: Tensor | None = None


@runtime_checkable
class HasLosses(Protocol):
    """A model that minimises something of its own beside the objective."""

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the scalar to add to the objective's loss."""


@runtime_checkable
class HasMatch(Protocol):
    """A model that matches the eyes. Given match and refinement of the whole picture, it restores any rows of it."""

    def match(self, x: Tensor) -> Any:
        """Returns the match of whole lifted pictures, with its `resized(…)` and `window(…)`."""

    def refinement(self, x: Tensor, match: Any) -> Tensor:
        """Returns what refinement adds to whole lifted pictures with this match."""

    def confidence(self, match: Any) -> Tensor:
        """Returns the chance that a match is right, 0 where colours are invented."""


Predictor = Callable[[Tensor, Operator], Prediction]
"""What the protocol measures: `(1, C, H, W)` observed in [0, 1] and its operator in, a `Prediction` out."""


def _moved(value: Any, device: torch.device | str) -> Any:
    parts = {f.name: getattr(value, f.name) for f in fields(value)}
    return replace(value, **{name: part.to(device) if hasattr(part, "to") else part for name, part in parts.items()})
