"""Pictures written whole or not at all."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.sample import Picture

WRITABLE = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
MAPS = {".tif", ".tiff", ".pfm"}
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]


def is_jpeg(file: Path) -> bool:
    """Returns whether the file begins as JPEG files do, whatever its name."""
    with file.open("rb") as stream:
        return stream.read(2) == b"\xff\xd8"


def write_picture(file: Path, picture: Picture) -> None:
    """Writes an `(H, W, 3)` RGB picture whole or not at all, in the format of the file's ending; JPEG as 4:4:4.

    Raises:
        UserError: The ending is not one of a picture, or the folder does not exist.
    """
    if file.suffix.lower() not in WRITABLE:
        raise UserError(
            f"{file}: '{file.suffix}' is no format to write; end the name in {', '.join(sorted(WRITABLE))}."
        )
    options = JPEG if file.suffix.lower() in {".jpg", ".jpeg"} else []
    _, encoded = cv2.imencode(file.suffix, np.ascontiguousarray(picture[..., ::-1]), options)
    _write(file, encoded)


def write_map(file: Path, values: NDArray[np.float32]) -> None:
    """Writes an `(H, W)` map of 32-bit numbers whole or not at all, as TIFF or PFM by the file's ending.

    Raises:
        UserError: The ending is another one, or the folder does not exist.
    """
    if file.suffix.lower() not in MAPS:
        raise UserError(f"{file}: '{file.suffix}' holds no 32-bit numbers; end the name in {', '.join(sorted(MAPS))}.")
    _, encoded = cv2.imencode(file.suffix, np.ascontiguousarray(values, np.float32))
    _write(file, encoded)


def _write(file: Path, encoded: NDArray[np.uint8]) -> None:
    if not file.parent.is_dir():
        raise UserError(f"{file}: no such folder; make '{file.parent}' first.")
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(encoded.tobytes())
    temporary.replace(file)
