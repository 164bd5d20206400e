"""Large pictures are restored in bands of full-width rows, so that memory grows with the picture, not with the network.

Matching looks at the whole picture: it is done once, on a smaller copy of a large picture, and shared by the bands.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.projection import Calibration
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import Task, restore

BAND_PIXELS = 1_500_000
"""Pictures up to this size are restored in one piece, larger ones in bands of about this size."""
MATCH_PIXELS = 1_500_000
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
) -> Prediction:
    """Returns what `tasks.restore` returns, in bounded memory.

    Args:
        model: Takes what the task lifts; one that matches has `match(lifted)` and takes the outcome too.
        task: The task.
        observed: `(1, C, H, W)` in [0, 1].
        operator: The degradation.
        calibration: Of the model.
        band_pixels: Size of a band, without what it sees beyond its own rows.
    """
    height, width = observed.shape[-2:]
    if height * width <= band_pixels:
        return restore(model, task, observed, operator, calibration)
    match = match_of(model, task, observed, operator)
    parts = []
    for read, keep in bands(height, max(32, band_pixels // width // 32 * 32)):
        known = [] if match is None else [match.window(read.start, read.stop - read.start, width)]
        part = restore(model, task, observed[:, :, read], operator, calibration, *known)
        parts.append(
            replace(part, image=part.image[:, :, keep], **{k: m[:, :, keep] for k, m in maps_of(part).items()})
        )
    maps = {key: torch.cat([maps_of(part)[key] for part in parts], dim=2) for key in maps_of(parts[0])}
    return Prediction(torch.cat([part.image for part in parts], dim=2), **maps)


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


def match_of(model: nn.Module, task: Task, observed: Tensor, operator: Operator) -> Any:
    """Returns what `model.match` finds on a copy of at most `MATCH_PIXELS`, or None if the model does not match."""
    if not isinstance(model, HasMatch):
        return None
    height, width = observed.shape[-2:]
    scale = math.sqrt(MATCH_PIXELS / (height * width))
    small = F.interpolate(observed, scale_factor=scale, mode="bilinear", antialias=True) if scale < 1 else observed
    return model.match(task.lift(small, operator)).resized(height, width)
