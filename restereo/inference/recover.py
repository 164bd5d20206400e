"""From a picture's file to the file of its two views."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.inference.contender import find_restorer
from restereo.inference.files import is_jpeg, write_map, write_picture
from restereo.inference.predictor import Views
from restereo.sources._pictures import read_picture

TYPICAL_QUALITY = 85
"""What a JPEG file is taken to have been saved with: the quality on which the projection was calibrated."""


@dataclass(frozen=True)
class Maps:
    """Files to write beside the views: disparities in px, and confidence, white where colours were matched."""

    disparity: Path | None = None
    confidence: Path | None = None


NO_MAPS = Maps()


def recover_file(
    file: Path, out: Path, model: str, method: str = "auto", swap: bool = False, maps: Maps = NO_MAPS
) -> Views:
    """Returns the recovered views after writing them side by side to `out`.

    Args:
        file: The anaglyph.
        out: The picture to write.
        model: What `find_restorer` finds.
        method: Its type, or `auto`.
        swap: Whether the first colour is the right eye's.
        maps: What else to write; left and right side by side like the views.

    Raises:
        UserError: The file is damaged or no anaglyph, the model is not found, or `out` cannot be written.
    """
    picture = read_picture(file)
    views = find_restorer(model).restore(picture, method, TYPICAL_QUALITY if is_jpeg(file) else None, name=str(file))
    write_picture(out, side_by_side([views.left, views.right], swap))
    if maps.disparity:
        write_map(maps.disparity, side_by_side(known(views.disparity, model), swap))
    if maps.confidence:
        shares = side_by_side(known(views.confidence, model), swap)
        write_picture(maps.confidence, np.rint(255 * shares).astype(np.uint8)[..., None].repeat(3, axis=2))
    return views


def side_by_side(views: Sequence[NDArray[Any]] | NDArray[Any], swap: bool = False) -> NDArray[Any]:
    """Returns `(H, 2·W, …)` of left and right, or the other way round.

    Example:
        >>> side_by_side([np.zeros((1, 1)), np.ones((1, 1))], swap=True).tolist()
        [[1.0, 0.0]]
    """
    return np.concatenate([views[1], views[0]] if swap else [views[0], views[1]], axis=1)


def known(maps: NDArray[np.float32] | None, model: str) -> NDArray[np.float32]:
    """Returns the maps of both views.

    Raises:
        UserError: The network makes none.
    """
    if maps is None:
        raise UserError(f"{model}: it matches nothing and has no such map; name a network that does, with --model.")
    return maps
