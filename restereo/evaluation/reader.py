"""Real pairs as scenes: the views, and where the true disparity is dense, what each eye sees alone. And photos."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from restereo.datasets.pairs import Pair, PairFiles, find_pairs, read_pair
from restereo.errors import UserError
from restereo.imaging.stereo import forward_disparity, occlusion
from restereo.io.read import SUFFIXES, read_picture
from restereo.sample import Scene
from restereo.tasks import Task

DENSE = 0.5
"""Least share of pixels with a true disparity for occlusion to be told from it; LiDAR maps have less."""


def scene_of(name: str, pair: Pair) -> Scene:
    """Returns the scene of a pair; a missing map of the right eye is made from the left one's.

    Args:
        name: The scene's name.
        pair: Both views, and disparities `(2, H, W)` or None.
    """
    truth = np.concatenate([pair.left, pair.right], axis=-1)
    if pair.disparity is None:
        return Scene(name, truth)
    disparity = pair.disparity.copy()
    if np.isfinite(disparity[0]).mean() < DENSE:
        return Scene(name, truth, disparity)
    if not np.isfinite(disparity[1]).any():
        hidden = occlusion(disparity[0])
        disparity[1] = forward_disparity(disparity[0])
    else:
        hidden = occlusion(disparity[0], disparity[1])
    return Scene(name, truth, disparity, hidden)


def read_scene(files: PairFiles, divisor: float | None = None) -> Scene:
    """Returns the scene of these files; see `read_pair` for errors and for `divisor`."""
    return scene_of(files.name, read_pair(files, divisor))


def read_photo(file: Path, name: str | None = None) -> Scene:
    """Returns a photo as a scene of three channels, by default named as its file.

    Raises:
        UserError: The file is damaged or no picture.
    """
    return Scene(name or file.stem, read_picture(file))


def files_for(task: Task, folder: Path) -> Sequence[PairFiles | Path]:
    """Returns the pairs or the photos below a folder, whichever the task is measured on.

    Raises:
        UserError: There is no such folder, or nothing of the kind in it.
    """
    return find_pairs(folder) if task.needs_pairs else find_photos(folder)


def find_photos(folder: Path) -> list[Path]:
    """Returns the pictures below a folder, sorted.

    Raises:
        UserError: There is no such folder, or no picture in it.

    Example:
        >>> find_photos(Path("nowhere"))
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere: no such folder; check the name.
    """
    if not folder.is_dir():
        raise UserError("no such folder", where=folder, remedy="check the name")
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not found:
        remedy = f"give files that end in {', '.join(sorted(SUFFIXES))}"
        raise UserError("no picture in it", where=folder, remedy=remedy)
    return found
