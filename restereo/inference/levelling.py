"""Anaglyphs whose eyes' rows are apart: levelled before their views are recovered, and the right view tilted back."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self, final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Pixels
from restereo.imaging.anaglyph import eye_channels
from restereo.imaging.rectification import RowOffset, levelled, row_offset, tilted
from restereo.methods import AnaglyphMethod

if TYPE_CHECKING:
    from restereo.inference.engine import Views

LOOKED_AT: Final = 1_000_000
"""Pixels of the copy that rows are compared on; what is less than half a px there is too little to be seen."""


@final
@dataclass(frozen=True, eq=False)
class Levelling:
    """How an anaglyph was levelled.

    Attributes:
        observed: `(H, W, 3)`, with the right eye's channels where the left eye's rows are.
        original: What was given.
        offset: Of its rows.
        own: The right eye's channels.
    """

    observed: Pixels
    original: Pixels
    offset: RowOffset
    own: tuple[int, ...]

    @classmethod
    def of(cls, observed: Pixels, method: AnaglyphMethod) -> Self | None:
        """Returns the levelled anaglyph `(H, W, 3)`, or None: rows agree, or the eyes share a channel.

        Example:
            >>> from restereo.methods import METHODS
            >>> Levelling.of(np.zeros((64, 64, 3), np.uint8), METHODS["red-cyan-color"]) is None
            True
        """
        mixed = any(any(row[:3]) and any(row[3:]) for row in method.matrix)
        left, right = eye_channels(method.matrix)
        if mixed or not left or not right:
            return None
        height, width = observed.shape[:2]
        scale = min(1.0, (LOOKED_AT / (height * width)) ** 0.5)
        eyes = [_eye(observed, channels, scale) for channels in (left, right)]
        offset = row_offset(eyes[0], eyes[1])
        if offset is None:
            return None
        moved = observed.copy()
        for channel in right:
            moved[..., channel] = levelled(np.ascontiguousarray(observed[..., channel]), offset.rows(height, width))
        return cls(moved, observed, offset, right)

    def undo(self, views: "Views", exact: bool) -> "Views":
        """Returns the views recovered of it, the right one with its own geometry.

        Args:
            views: Recovered of `observed`.
            exact: Whether channels that a method copies were copied, so that they stay what they were.
        """
        offset = self.offset.rows(*self.original.shape[:2])
        views.pixels[1] = tilted(views.pixels[1], offset)
        if exact and views.method is not None:
            for channel in self.own:
                row = views.method.matrix[channel]
                if sorted(row) == [0, 0, 0, 0, 0, 1] and views.method.exponent[channel] == 1:
                    views.pixels[1][..., row.index(1) - 3] = self.original[..., channel]
        maps = {"disparity": views.disparity, "confidence": views.confidence}
        return replace(views, **{name: _with_tilted_right(one, offset) for name, one in maps.items()})


def _eye(observed: Pixels, channels: tuple[int, ...], scale: float) -> NDArray[np.float32]:
    """Returns what the eye's channels show, `(h, w)` float32 in [0, 255], at most at the size that is looked at."""
    parts = [np.ascontiguousarray(observed[..., channel]) for channel in channels]
    if scale < 1:
        parts = [np.asarray(cv2.resize(one, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)) for one in parts]
    unit = np.float32(255 / np.iinfo(observed.dtype).max)
    return np.asarray(np.mean(parts, axis=0, dtype=np.float32) * unit, np.float32)


def _with_tilted_right(maps: NDArray[np.float32] | None, offset: NDArray[np.float32]) -> Any:
    return None if maps is None else np.stack([maps[0], tilted(maps[1], offset)])
