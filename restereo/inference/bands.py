"""Large pictures are restored in bands of full-width rows, so that memory grows with the picture, not with the network.

Matching and refinement look at the whole picture, as does a task with a `working_size`: that is done once, on smaller
copies of a large picture, and shared by the bands. A band then only warps, at full size, the other eye's channels
or adds the grey.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from restereo.imaging.resampling import enlarged_rows, reduced
from restereo.inference.devices import is_out_of_memory, release
from restereo.layers.projection import Calibration
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import Task, overview, restore

BAND_PIXELS = 1_500_000
"""Larger pictures are restored in bands of about this size."""
MATCH_PIXELS = 700_000
"""Larger pictures are matched on a copy of this size."""
REPAIR_PIXELS = 700_000
"""Larger pictures are refined on a copy of this size."""
HALO = 96
"""Rows that a band sees beyond its own on either side: what the networks look at."""
HALVED = 32
"""Where memory is too small, bands are halved down to this part of their size."""
T = TypeVar("T")


def bands(height: int, rows: int, halo: int = HALO) -> Iterator[tuple[slice, slice]]:
    """Yields (rows to read, rows of those to keep) from top to bottom; every row is kept once.

    Example:
        >>> [(read.start, read.stop, keep.start, keep.stop) for read, keep in bands(500, 200)]
        [(0, 296, 0, 200), (104, 496, 96, 296), (304, 500, 96, 196)]
    """
    for top in range(0, height, rows):
        read = slice(max(0, top - halo), min(height, top + rows + halo))
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
    """Returns what `tasks.restore` returns, in bounded memory; where that is still too small, in smaller bands.

    Args:
        model: Takes what the task lifts; one that matches has `match(lifted)` and takes the outcome too.
        task: The task.
        observed: `(1, C, H, W)` in [0, 1].
        operator: The degradation.
        calibration: Of the model.
        band_pixels: Size of a band of the answer, without what is seen beyond its own rows.
        match: Of the whole picture, if it is known already.
    """
    source = Rows(lambda rows: observed[:, :, rows], lambda scale: reduced(observed, scale), *observed.shape[-2:])

    def work(pixels: int) -> Prediction:
        return joined([part for _, part in restored_bands(model, task, source, operator, calibration, pixels, match)])

    return in_smaller_bands(work, observed.device, band_pixels)


def in_smaller_bands(work: Callable[[int], T], device: torch.device, band_pixels: int = BAND_PIXELS) -> T:
    """Returns what the work returns with bands of so many pixels, halved as often as memory is too small for them.

    The error is raised when it is too small for the smallest bands, too.

    Args:
        work: Called with the size of a band; it begins anew each time.
        device: Whose memory it is.
        band_pixels: The size to begin with.
    """
    least = band_pixels // HALVED
    while True:
        try:
            return work(band_pixels)
        except Exception as error:
            band_pixels //= 2
            if not is_out_of_memory(error) or band_pixels < least:
                raise
        release(device)  # only now that the error is gone, whose traceback holds what was computed


def joined(parts: list[Prediction]) -> Prediction:
    """Returns bands, from top to bottom, as one.

    Example:
        >>> joined(2 * [Prediction(torch.zeros(1, 3, 4, 5))]).image.shape
        torch.Size([1, 3, 8, 5])
    """
    if len(parts) == 1:
        return parts[0]
    maps = {key: torch.cat([maps_of(part)[key] for part in parts], dim=2) for key in maps_of(parts[0])}
    return Prediction(torch.cat([part.image for part in parts], dim=2), **maps)


class Rows(NamedTuple):
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
    source: Rows,
    operator: Operator,
    calibration: Calibration,
    band_pixels: int = BAND_PIXELS,
    match: Any = None,
) -> Iterator[tuple[slice, Prediction]]:
    """Yields the restored bands from top to bottom with their rows; see `restore_any_size`."""
    height, width = source.height, source.width
    band_pixels //= task.scale**2
    if height * width <= min(band_pixels, MATCH_PIXELS):
        known = () if match is None else (match,)
        yield slice(0, height), restore(model, task, source.rows(slice(0, height)), operator, calibration, known)
        return
    whole = known_of(model, task, source, operator, match)
    halo = HALO if whole is None else 0
    rows = height if height * width <= band_pixels else max(32, band_pixels // width // 32 * 32)
    for read, keep in bands(height, rows, halo):
        shared = whole.rows(read) if whole else {}
        part = restore(model, task, source.rows(read), operator, calibration, **shared)
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


@dataclass(frozen=True)
class Known:
    """What a model that matches found out about a whole picture, at any size.

    Attributes:
        match: A tuple of maps, with its `resized(…)`.
        refinement: `(1, K, h, w)`.
        height: Of the picture.
        width: Likewise.
    """

    match: Any
    refinement: Tensor
    height: int
    width: int

    def rows(self, rows: slice) -> dict[str, Any]:
        """Returns match and refinement of some rows at full size, for `restore`; no more of them is in memory."""
        size = rows.stop - rows.start, self.width
        near = type(self.match)(*(one[..., self._nearest(one, rows), :] for one in self.match)).resized(*size)
        return {"known": (near, enlarged_rows(self.refinement, rows, self.height, self.width))}

    def _nearest(self, one: Tensor, rows: slice) -> Tensor:
        small = one.shape[-2]
        index = ((torch.arange(rows.start, rows.stop) + 0.5) * (small / self.height)).long().clamp(max=small - 1)
        return index.to(one.device)


@dataclass(frozen=True)
class Overview:
    """What a model made of a small copy of a whole picture.

    Attributes:
        image: `(1, K, h, w)`.
        height: Of the picture.
        width: Likewise.
    """

    image: Tensor
    height: int
    width: int

    def rows(self, rows: slice) -> dict[str, Any]:
        """Returns some rows of it at the picture's size, for `restore`."""
        return {"seen": enlarged_rows(self.image, rows, self.height, self.width)}


def known_of(
    model: nn.Module, task: Task, source: Rows, operator: Operator, match: Any = None
) -> Known | Overview | None:
    """Returns what the model knows of a whole picture from copies of it, or None if it needs no such thing.

    Args:
        model: The model.
        task: Its task.
        source: The observation.
        operator: The degradation.
        match: If it is known already.
    """
    height, width = source.height, source.width
    if task.working_size is not None:
        return Overview(overview(model, task, source.reduced, operator, height, width), height, width)
    if not isinstance(model, HasMatch):
        return None

    def copy(pixels: int) -> Tensor:
        scale = min(1.0, math.sqrt(pixels / (height * width)))
        return task.lift(source.reduced(scale), operator)

    match = model.match(copy(MATCH_PIXELS)) if match is None else match
    lifted = copy(REPAIR_PIXELS)
    return Known(match, model.refinement(lifted, match.resized(*lifted.shape[-2:])), height, width)
