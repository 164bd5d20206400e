"""The one reader of stereo pairs and their disparity maps: evaluation, the stages and the command line see the same."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import Picture
from restereo.io.read import MAX_PIXELS, SUFFIXES, open_picture, read_picture

MAP_SUFFIXES = frozenset([".pfm", ".npy", ".npz", ".png", ".pgm"])
KITTI_SCALE = 256.0

_PFM_HEADER = re.compile(rb"Pf\s+(?P<width>\d+)\s+(?P<height>\d+)\s+(?P<scale>[-+.\deE]+)\r?\n")


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
        if file.suffix.lower() not in (SUFFIXES if part in {"left", "right"} else MAP_SUFFIXES):
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
    from restereo.imaging.pair_faults import infer_disparity_scale

    if eye == 1:  # Mirrored, the right eye is the left one.
        left, right, raw = right[:, ::-1], left[:, ::-1], raw[:, ::-1]
    return float(infer_disparity_scale(left, right, raw))


def _size(array: NDArray[np.uint8] | NDArray[np.float32]) -> str:
    return f"{array.shape[1]}x{array.shape[0]}"


def read_disparity(path: Path, divisor: float | None = None) -> NDArray[np.float32]:
    """Returns a disparity map, `(H, W)` float32, NaN = unknown, in px where its scale is known.

    PFM (rows bottom-up; the header's scale tells the byte order only, as Middlebury writes it), NPY and NPZ
    (its only array) hold px, infinite = unknown. Of PNG and PGM, 0 = unknown; 16 bits are px times 256
    (KITTI) unless `divisor` is given; 8 bits stay as stored unless it is given: `read_pair` infers it.

    Raises:
        UserError: The file is missing, damaged, or not a map.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "disp_left.png"
        >>> bool(cv2.imwrite(str(file), np.array([[0, 256]], np.uint16)))
        True
        >>> read_disparity(file).tolist()
        [[nan, 1.0]]
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UserError(f"{path}: no such file; check the name.")
    if suffix == ".pfm":
        values = _read_pfm(path)
    elif suffix in {".npy", ".npz"}:
        values = _read_numpy(path)
    elif suffix in {".png", ".pgm"}:
        stored = _read_integers(path)
        if divisor is None and stored.dtype == np.uint16:
            divisor = KITTI_SCALE
        values = stored.astype(np.float32)
        values[stored == 0] = np.nan
    else:
        raise UserError(f"{path}: not a disparity map; give {', '.join(sorted(MAP_SUFFIXES))}.")
    values[~np.isfinite(values)] = np.nan
    return values / np.float32(divisor or 1)


def _read_pfm(path: Path) -> NDArray[np.float32]:
    content = path.read_bytes()
    header = _PFM_HEADER.match(content)
    if header is None:
        raise UserError(f"{path}: not a PFM file of one channel ('Pf'); give the disparity map, not a picture.")
    width, height = int(header["width"]), int(header["height"])
    body = content[header.end() :]
    if len(body) < 4 * width * height:
        raise UserError(f"{path}: cut short, {len(body)} bytes for {width}x{height}; copy it again from its original.")
    order = "<" if header["scale"].startswith(b"-") else ">"
    values = np.frombuffer(body, dtype=f"{order}f4", count=width * height).reshape(height, width)
    return values[::-1].astype(np.float32)


def _read_numpy(path: Path) -> NDArray[np.float32]:
    try:
        content = np.load(path, allow_pickle=False)
        values = content if isinstance(content, np.ndarray) else content[content.files[0]]
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise UserError(f"{path}: damaged or not plain numbers ({error}); save it again with numpy.save.") from None
    if values.ndim != 2 or values.dtype.kind not in "fiu":
        raise UserError(f"{path}: {values.ndim} dimensions of {values.dtype}; a disparity map has 2, of numbers.")
    return np.array(values, dtype=np.float32)


def _read_integers(path: Path) -> NDArray[np.integer[Any] | np.floating[Any]]:
    open_picture(path)  # OpenCV fills up a cut file with grey and says nothing to the caller.
    stored = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is not None and stored.ndim == 3 and (stored[..., :1] == stored[..., :3]).all():
        stored = stored[..., 0]  # Grey saved with a palette or as RGB, as Middlebury's Tsukuba.
    if stored is None or stored.ndim != 2 or stored.dtype not in (np.uint8, np.uint16):
        raise UserError(f"{path}: not a disparity map; it has one channel of 8 or 16 bits.")
    return stored


def needs_divisor(path: Path) -> bool:
    """Returns whether a map's format leaves open what its values are: PNG and PGM of 8 bits.

    Example:
        >>> needs_divisor(Path("disp_left.pfm"))
        False
    """
    return path.suffix.lower() in {".png", ".pgm"} and _read_integers(path).dtype == np.uint8
