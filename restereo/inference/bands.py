"""Large pictures are restored in bands of full-width rows, so that memory grows with the picture, not with the network.

Matching looks at the whole picture: it is done once, on a smaller copy of a large picture, and shared by the bands.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.projection import Calibration
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import Task, restore

BAND_PIXELS = 1_500_000
"""Pictures up to this size are restored in one piece, larger ones in bands of about this size."""
MATCH_PIXELS = 700_000
"""Larger pictures are matched on a copy of this size."""
HALO = 96
"""Rows that a band sees beyond its own on either side: what the networks look at."""


def bands(height: int, rows: int) -> Iterator[tuple[slice, slice]]:
    """Yields (rows to read, rows of those to keep) from top to bottom; every row is kept once.

    Example:
        >>> [(read.start, read.stop, keep.start, keep.stop) for read, keep in bands(500, 200)]
        [(0, 296, 0, 200), (104, 496, 96, 296), (304, 500, 96, 196)]
    """
    for top in range(0, height, rows):
        read = slice(max(0, top - HALO), min(height, top + rows + HALO))
        yield read, slice(top - read.start, min(height, top + rows) - read.start)


def restore_any_size(
    model: nn.Module,
    task: Task,
    observed: Tensor,
    operator: Operator,
    calibration: Calibration,
    band_pixels: int = BAND_PIXELS,
    match: Any = None,
) -> Prediction:
    """Returns what `tasks.restore` returns, in bounded memory.

    Args:
        model: Takes what the task lifts; one that matches has `match(lifted)` and takes the outcome too.
        task: The task.
        observed: `(1, C, H, W)` in [0, 1].
        operator: The degradation.
        calibration: Of the model.
        band_pixels: Size of a band of the answer, without what is seen beyond its own rows.
        match: Of the whole picture, if it is known already.
    """
    source = Source(lambda rows: observed[:, :, rows], lambda scale: shrunk(observed, scale), *observed.shape[-2:])
    parts = [part for _, part in restored_bands(model, task, source, operator, calibration, band_pixels, match)]
    if len(parts) == 1:
        return parts[0]
    maps = {key: torch.cat([maps_of(part)[key] for part in parts], dim=2) for key in maps_of(parts[0])}
    return Prediction(torch.cat([part.image for part in parts], dim=2), **maps)


class Source(NamedTuple):
    """An observation of which only some rows need to be in memory as a tensor.

    Attributes:
        rows: Returns these rows, `(1, C, h, W)` in [0, 1], on the model's device.
        reduced: Returns a smaller copy of the whole, by this factor; likewise.
        height: Of all.
        width: Of all.
    """

    rows: Callable[[slice], Tensor]
    reduced: Callable[[float], Tensor]
    height: int
    width: int


def restored_bands(
    model: nn.Module,
    task: Task,
    source: Source,
    operator: Operator,
    calibration: Calibration,
    band_pixels: int = BAND_PIXELS,
    match: Any = None,
) -> Iterator[tuple[slice, Prediction]]:
    """Yields the restored bands from top to bottom with their rows; see `restore_any_size`."""
    height, width = source.height, source.width
    band_pixels //= task.scale**2
    if height * width <= band_pixels:
        known = [] if match is None else [match]
        yield slice(0, height), restore(model, task, source.rows(slice(0, height)), operator, calibration, *known)
        return
    match = match_of(model, task, source, operator) if match is None else match
    for read, keep in bands(height, max(32, band_pixels // width // 32 * 32)):
        known = [] if match is None else [match_rows(match, read, height, width)]
        part = restore(model, task, source.rows(read), operator, calibration, *known)
        maps = {n: _rows(m, keep, read.stop - read.start) for n, m in {"image": part.image, **maps_of(part)}.items()}
        yield slice(read.start + keep.start, read.start + keep.stop), replace(part, **maps)


def _rows(one: Tensor, keep: slice, rows: int) -> Tensor:
    """The rows to keep, of a map that may be larger than the band of so many rows that was read."""
    scale = one.shape[2] // rows
    return one[:, :, keep.start * scale : keep.stop * scale]


def maps_of(prediction: Prediction) -> dict[str, Tensor]:
    """Returns what a prediction says of each pixel beside its colour.

    Example:
        >>> maps_of(Prediction(torch.zeros(1, 6, 1, 1)))
        {}
    """
    maps = {
        "disparity": prediction.disparity,
        "confidence": prediction.confidence,
        "residual": prediction.residual,
    }
    return {name: one for name, one in maps.items() if one is not None}


def match_of(model: nn.Module, task: Task, source: Source, operator: Operator) -> Any:
    """Returns what `model.match` finds on a copy of at most `MATCH_PIXELS`, or None if the model does not match."""
    if not isinstance(model, HasMatch):
        return None
    scale = min(1.0, math.sqrt(MATCH_PIXELS / (source.height * source.width)))
    return model.match(task.lift(source.reduced(scale), operator))


def match_rows(match: Any, rows: slice, height: int, width: int) -> Any:
    """Returns some rows of a match, a tuple of maps, as they are at full size; never more of it is in memory.

    Args:
        match: Of the whole, at any size.
        rows: Of the full size.
        height: Full size.
        width: Likewise.
    """
    small = match[0].shape[-2]
    nearest = ((torch.arange(rows.start, rows.stop) + 0.5) * (small / height)).long().clamp(max=small - 1)
    index = nearest.to(match[0].device)
    return type(match)(*(one[..., index, :] for one in match)).resized(len(index), width)


def shrunk(observed: Tensor, scale: float) -> Tensor:
    """Returns a smaller copy of `(B, C, H, W)` without aliasing, or itself at scale 1.

    Example:
        >>> shrunk(torch.zeros(1, 3, 8, 8), 0.5).shape
        torch.Size([1, 3, 4, 4])
    """
    return observed if scale >= 1 else F.interpolate(observed, scale_factor=scale, mode="bilinear", antialias=True)
