"""Pictures of more than 8 bits a channel, which Pillow cuts or clips, read as 16 bits."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import Pixels
from restereo.io import heif

BITS, PHOTOMETRIC, PLANAR = 258, 262, 284
"""Tags of TIFF 6.0."""
WHITE_IS_ZERO, SEPARATE = 0, 2
CODES: Final = 65535


def stored_white(image: PIL.Image.Image) -> int:
    """Returns the value that stands for white in an opened file, 255 unless it has more bits a channel.

    Pillow tells only before it decodes. Of what has more than 16 bits or is floating point, it is said to be 65535.

    Example:
        >>> stored_white(PIL.Image.new("I", (1, 1))), stored_white(PIL.Image.new("L", (1, 1)))
        (65535, 255)
    """
    if image.format == "TIFF":
        bits = int(max(getattr(image, "tag_v2", {}).get(BITS, (1,))))
        return min(CODES, (1 << bits) - 1) if bits > 8 else 255
    if image.format == "HEIF":
        return CODES if image.info.get("bit_depth", 8) > 8 else 255
    tile = getattr(image, "tile", None)
    layout = tile[0][3] if tile else ""
    if image.format == "PPM" and isinstance(layout, tuple) and layout[0] in {"L", "RGB"}:
        return max(255, int(layout[-1]))
    return CODES if ";16" in str(layout) or image.mode[0] in "IF" else 255


def read_deep(image: PIL.Image.Image, white: int, path: Path | None = None) -> tuple[Pixels | None, list[str]]:
    """Returns the `(H, W)`, BGR or BGRA values of a decoded picture, uint16, and notes; None if only Pillow reads it.

    Integers of over 16 bits and floating point have no white that programs agree on: it is the least of 1 (floating
    point alone), 255, 65535 and the type's largest that no value passes, for with a higher one all would be black.

    Args:
        image: The decoded picture.
        white: See `stored_white`.
        path: Its file; without, only what Pillow holds is there.

    Raises:
        UserError: It is a planar TIFF in a compression that no reader here knows.
    """
    values: NDArray[Any] | None = None
    tags = getattr(image, "tag_v2", {})
    if path is not None and image.format == "HEIF":
        values = _bgr(heif.deep_values(path, image.tell()))
    elif path is not None and white == CODES:
        values = _planar(path) if tags.get(PLANAR) == SEPARATE else _opencv(path)
    elif path is not None and image.format == "PPM":
        values = _opencv(path)
    if values is None and image.mode[0] in "IF":  # where OpenCV cannot, or there is no file
        values = np.asarray(image)
    if values is None:
        return None, ["its 16 bits a channel were cut to 8"]
    notes = []
    if values.dtype != np.uint16:
        values = np.nan_to_num(values)
        white = _white(values)
        notes = [f"its values are {values.dtype}; {white:,} was taken for white"]
    if values.dtype != np.uint16 or white != CODES:
        values = np.rint(np.clip(values / np.float64(white), 0, 1) * CODES).astype(np.uint16)
    if values.ndim == 2 and isinstance(clear := image.info.get("transparency"), int):  # of 16-bit grey in PNG
        values = np.dstack([values, values, values, np.where(values == clear, 0, CODES).astype(np.uint16)])
    return CODES - values if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else values, notes


def _opencv(path: Path) -> NDArray[Any] | None:
    values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if values is None or values.dtype == np.uint8 else values


def _planar(path: Path) -> NDArray[Any]:
    """Channels stored one after the other, which OpenCV 5.0 takes for pixels where they have 16 bits."""
    try:
        planes = tifffile.imread(path, key=0)
    except ValueError as error:  # LZW, among others, needs a package of its own
        what = "a planar TIFF in a compression that cannot be read"
        raise UserError(what, where=path, remedy="save it without compression") from error
    return _bgr(np.moveaxis(planes, 0, -1))


def _bgr(values: NDArray[Any]) -> NDArray[Any]:
    """Returns RGB or RGBA in OpenCV's order, grey as it is."""
    return values if values.ndim == 2 else values[..., [2, 1, 0, 3][: values.shape[2]]]


def _white(values: NDArray[Any]) -> int:
    integer = np.issubdtype(values.dtype, np.integer)
    largest = values.max()
    known = (255, CODES, int(np.iinfo(values.dtype).max)) if integer else (1, 255, CODES)
    return next((white for white in known if largest <= white), int(np.ceil(largest)))
