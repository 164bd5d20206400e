"""Both views of one picture, put together band by band in as little memory as they take."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.imaging.color import BT601
from restereo.methods import AnaglyphMethod
from restereo.sample import Prediction
from restereo.tasks import to_picture, to_tensor

LUMA = torch.tensor(BT601)
"""Of which grey anaglyphs are made."""


@dataclass(frozen=True)
class Views:
    """The recovered pair, and the method that the anaglyph was taken for.

    Attributes:
        left: `(H, W, 3)` RGB, uint8, or uint16 where the anaglyph has 16 bits.
        right: Likewise.
        method: What the anaglyph was taken for.
        disparity: `(2, H, W)` float32 of left and right in px, positive = near; None if the network matches nothing.
        confidence: `(2, H, W)` float32 in [0, 1], 0 = colour invented here; or None.
        matched: Share of the pixels whose colours were matched, not invented; None if the network matches nothing.
        residual: Root mean square of what the answer contradicted before it was projected, in [0, 1].
    """

    left: NDArray[Any]
    right: NDArray[Any]
    method: AnaglyphMethod
    disparity: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    matched: float | None = None
    residual: float | None = None


def without_color(image: Tensor) -> Tensor:
    """Returns both views `(B, 6, H, W)` in their luma.

    Example:
        >>> without_color(torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 1.0]).reshape(1, 6, 1, 1)).flatten()[[0, 3]].tolist()
        [0.29899999499320984, 1.0]
    """
    views = image.unflatten(1, (2, 3))
    luma = torch.einsum("bvchw,c->bvhw", views, LUMA.to(image))
    return luma[:, :, None].expand_as(views).flatten(1, 2)


def to_unit(picture: NDArray[Any]) -> Tensor:
    """Returns `(1, C, H, W)` float32 in [0, 1] of an `(H, W, C)` uint8 or uint16 picture.

    Example:
        >>> to_unit(np.full((1, 1, 1), 65535, np.uint16)).item()
        1.0
    """
    if picture.dtype == np.uint8:
        return to_tensor(picture)
    return torch.from_numpy(np.moveaxis(picture, -1, 0)[None] / np.float32(65535))


def to_depth(image: Tensor, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns `(H, W, C)` uint8 or uint16 of a `(1, C, H, W)` image, clipped and rounded: the inverse of `to_unit`.

    Example:
        >>> to_depth(torch.full((1, 1, 1, 1), 0.5), np.dtype(np.uint16)).tolist()
        [[[32768]]]
    """
    if dtype == np.uint8:
        return to_picture(image)
    codes = image[0].detach().clamp(0, 1).mul(65535).round().permute(1, 2, 0)
    return codes.cpu().numpy().astype(np.uint16)


class Answer:
    """What becomes `Views`: room for the whole, filled from top to bottom."""

    def __init__(self, picture: NDArray[Any], method: AnaglyphMethod, grey: bool, maps: bool) -> None:
        """Makes room.

        Args:
            picture: The anaglyph; the views have its size and depth.
            method: What it was taken for.
            grey: Whether to leave out the colour.
            maps: Whether disparity and confidence are wanted.
        """
        self.left, self.right = np.empty_like(picture), np.empty_like(picture)
        self.method, self.grey, self.wanted = method, grey, maps
        self.maps: dict[str, NDArray[np.float32]] = {}
        self.matched: float | None = None
        self.square = 0.0

    def take(self, rows: slice, part: Prediction) -> None:
        """Writes these rows."""
        views = to_depth(without_color(part.image) if self.grey else part.image, self.left.dtype)
        self.left[rows], self.right[rows] = views[..., :3], views[..., 3:]
        weight = (rows.stop - rows.start) / len(self.left)
        if part.confidence is not None:
            share = float((part.confidence > 0).float().mean()) * weight
            self.matched = (self.matched or 0.0) + share
        if part.residual is not None:
            self.square += float(part.residual.square().mean()) * weight
        for name, one in (("disparity", part.disparity), ("confidence", part.confidence)):
            if self.wanted and one is not None:
                room = self.maps.setdefault(name, np.empty((2, *self.left.shape[:2]), np.float32))
                room[:, rows] = one[0].cpu().numpy()

    def views(self) -> Views:
        """Returns the whole."""
        maps = self.maps.get("disparity"), self.maps.get("confidence")
        return Views(self.left, self.right, self.method, *maps, self.matched, math.sqrt(self.square))

    def forget(self) -> None:
        """Forgets the sums over what was written: it is written again from the top."""
        self.matched, self.square = None, 0.0
