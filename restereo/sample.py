"""What flows from the data to the model and back, typed once."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Self

import torch
from torch import Tensor


@dataclass(frozen=True)
class Operator:
    """A batch of linear degradations `A = P·X`, in the transfer domain in which the method works.

    Attributes:
        matrix: `(B, C, K)` float32, the matrix P of each picture.
        linear: `(B,)` bool; True where P acts on linear light (sRGB decoded), False on encoded values.
        exponent: `(B, C)` float32; channel c was stored as `(P·X)_c ** (1 / exponent_c)`, 1 for most methods.
    """

    matrix: Tensor
    linear: Tensor
    exponent: Tensor


@dataclass(frozen=True)
class Sample:
    """A batch of observations of known pictures. All pictures are float32 in [0, 1].

    Attributes:
        observed: `(B, C, H, W)`, what a user would hold (the anaglyph).
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
        moved = {f.name: _move(getattr(self, f.name), device) for f in fields(self)}
        return replace(self, **moved)


def _move(value: Tensor | Operator | None, device: torch.device | str) -> Tensor | Operator | None:
    if isinstance(value, Operator):
        return Operator(value.matrix.to(device), value.linear.to(device), value.exponent.to(device))
    return None if value is None else value.to(device)


@dataclass(frozen=True)
class Prediction:
    """What a model says.

    Attributes:
        image: `(B, K, H, W)` float32, the restored picture, not clipped.
        disparity: `(B, 2, H, W)` float32 of left and right in px, or None if the model matches nothing.
        confidence: `(B, 2, H, W)` float32 in [0, 1] per eye, 0 = colour invented here; or None.
    """

    image: Tensor
    disparity: Tensor | None = None
    confidence: Tensor | None = None


Predictor = Callable[[Tensor, Operator], Prediction]
"""What the protocol measures: `(1, C, H, W)` observed in [0, 1] and its operator in, a `Prediction` out."""
