"""Disparity maps on disk, in every format that stereo data sets use."""

import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.datasets._decode import open_picture
from restereo.errors import UserError

SUFFIXES = frozenset([".pfm", ".npy", ".npz", ".png", ".pgm"])
KITTI_SCALE = 256.0

_PFM_HEADER = re.compile(rb"Pf\s+(?P<width>\d+)\s+(?P<height>\d+)\s+(?P<scale>[-+.\deE]+)\r?\n")


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
        raise UserError(f"{path}: not a disparity map; give {', '.join(sorted(SUFFIXES))}.")
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
