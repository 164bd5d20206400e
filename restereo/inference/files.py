"""Pictures written whole or not at all."""

from pathlib import Path

import cv2
import numpy as np

from restereo.errors import UserError
from restereo.sample import Picture

WRITABLE = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
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
    if not file.parent.is_dir():
        raise UserError(f"{file}: no such folder; make '{file.parent}' first.")
    options = JPEG if file.suffix.lower() in {".jpg", ".jpeg"} else []
    _, encoded = cv2.imencode(file.suffix, np.ascontiguousarray(picture[..., ::-1]), options)
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(encoded.tobytes())
    temporary.replace(file)
