"""The one reader of pictures and pairs: evaluation, the stages and the command line see the same arrays."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from restereo.datasets import _maps
from restereo.datasets._decode import MAX_PIXELS, SUFFIXES, Picture, read_picture
from restereo.datasets._maps import needs_divisor, read_disparity
from restereo.errors import UserError

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "Pair",
    "PairFiles",
    "Picture",
    "find_pairs",
    "read_disparity",
    "read_pair",
    "read_picture",
]


@dataclass(frozen=True)
class PairFiles:
    """The files of one stereo scene."""

    name: str
    left: Path
    right: Path
    disparity_left: Path | None = None
    disparity_right: Path | None = None


@dataclass(frozen=True)
class Pair:
    """One stereo scene: `(H, W, 3)` uint8 RGB of both eyes, `(2, H, W)` float32 disparity in px or None."""

    left: Picture
    right: Picture
    disparity: NDArray[np.float32] | None = None


def scene_in(folder: Path, name: str) -> PairFiles | None:
    """Returns the scene that a folder is, if it holds `left.*` and `right.*` [`disp_left.*` `disp_right.*`].

    Raises:
        UserError: Two files claim to be the same part, such as `left.png` and `left.jpg`.

    Example:
        >>> scene_in(Path("."), "here") is None
        True
    """
    parts: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        part = file.stem.lower()
        if file.suffix.lower() not in (SUFFIXES if part in {"left", "right"} else _maps.SUFFIXES):
            continue
        if part in {"left", "right", "disp_left", "disp_right"}:
            if part in parts:
                raise UserError(f"{file}: '{parts[part].name}' is the same part of this scene; keep one of them.")
            parts[part] = file
    if not {"left", "right"} <= parts.keys():
        return None
    return PairFiles(name, parts["left"], parts["right"], parts.get("disp_left"), parts.get("disp_right"))


def find_pairs(folder: Path) -> list[PairFiles]:
    """Returns the scenes below a folder laid out `<scene>/left.* right.* [disp_left.* disp_right.*]`, sorted.

    A scene's name is its folder's path below `folder`, `/` becoming `_`.

    Raises:
        UserError: There is no such folder, or no scene in it, or two of one name: `a/b` and `a_b`.

    Example:
        >>> find_pairs(Path("nowhere"))
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere: no such folder; check the name.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; check the name.")
    places = [folder, *(p for p in folder.rglob("*") if p.is_dir())]
    named = sorted(("_".join(p.relative_to(folder).parts) or folder.resolve().name, p) for p in places)
    pairs = [pair for name, place in named if (pair := scene_in(place, name))]
    for one, other in pairwise(pairs):
        if one.name == other.name:
            raise UserError(f"{other.left.parent}: its name '{one.name}' is that of {one.left.parent}; rename one.")
    if not pairs:
        raise UserError(f"{folder}: no pairs in it; give each scene a folder with left.* and right.*.")
    return pairs


def read_pair(files: PairFiles, divisor: float | None = None, max_pixels: int = MAX_PIXELS) -> Pair:
    """Returns both views, and the disparity in px if there is a map of at least one eye (the other is NaN).

    An 8-bit map without `divisor` is scaled by what makes the right view, warped, fit the left one best; where the
    pictures do not tell, the map counts as unknown.

    Raises:
        UserError: A file is missing or damaged, or sizes differ.

    Example:
        >>> read_pair(PairFiles("a", Path("left.png"), Path("right.png")))
        Traceback (most recent call last):
        restereo.errors.UserError: left.png: no such file; check the name.
    """
    left, right = read_picture(files.left, max_pixels), read_picture(files.right, max_pixels)
    if left.shape != right.shape:
        sizes = f"{_size(right)}, but {files.left.name} is {_size(left)}"
        raise UserError(f"{files.right}: {sizes}; both eyes need the same size.")
    return Pair(left, right, read_disparities(files, left, right, divisor))


def read_disparities(
    files: PairFiles, left: Picture, right: Picture, divisor: float | None = None
) -> NDArray[np.float32] | None:
    """Returns the disparity maps of both eyes, `(2, H, W)` px, or None if there is none; see `read_pair`.

    Raises:
        UserError: A map is damaged, or its size is not the pictures'.

    Example:
        >>> views = np.zeros((2, 4, 4, 3), np.uint8)
        >>> read_disparities(PairFiles("a", Path("l.png"), Path("r.png")), *views) is None
        True
    """
    maps = {0: files.disparity_left, 1: files.disparity_right}
    if not any(maps.values()):
        return None
    disparity = np.full((2, *left.shape[:2]), np.nan, dtype=np.float32)
    for eye, path in maps.items():
        if path is None:
            continue
        values = read_disparity(path, divisor)
        if values.shape != left.shape[:2]:
            raise UserError(f"{path}: {_size(values)}, but the picture is {_size(left)}; it needs the same size.")
        if divisor is None and needs_divisor(path):
            divisor = _inferred(left, right, values, eye) or None
            values = values / np.float32(divisor) if divisor else np.full_like(values, np.nan)
        disparity[eye] = values
    return disparity


def _inferred(left: Picture, right: Picture, raw: NDArray[np.float32], eye: int) -> float:
    from restereo.imaging.geometry import infer_disparity_scale

    if eye == 1:  # Mirrored, the right eye is the left one.
        left, right, raw = right[:, ::-1], left[:, ::-1], raw[:, ::-1]
    return float(infer_disparity_scale(left, right, raw))


def _size(array: NDArray[np.uint8] | NDArray[np.float32]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"
