"""From a picture's file to the file of its two views."""

from pathlib import Path

import cv2
import numpy as np

from restereo.errors import UserError
from restereo.inference.contender import find_restorer
from restereo.inference.predictor import Restorer, Views
from restereo.sample import Picture
from restereo.sources._pictures import read_picture

WRITABLE = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
TYPICAL_QUALITY = 85
"""What a JPEG file is taken to have been saved with: the quality on which the projection was calibrated."""


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
    options = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, encoded = cv2.imencode(file.suffix, np.ascontiguousarray(picture[..., ::-1]), options)
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_bytes(encoded.tobytes())
    temporary.replace(file)


def recover_file(file: Path, out: Path, model: str, method: str = "auto", swap: bool = False) -> Views:
    """Returns the recovered views after writing them side by side to `out`.

    Args:
        file: The anaglyph.
        out: The picture to write.
        model: What `find_restorer` finds.
        method: Its type, or `auto`.
        swap: Whether the first colour is the right eye's.

    Raises:
        UserError: The file is damaged or no anaglyph, the model is not found, or `out` cannot be written.
    """
    picture = read_picture(file)
    restorer = find_restorer(model).predictor
    assert isinstance(restorer, Restorer)
    try:
        views = restorer.restore(picture, method, TYPICAL_QUALITY if is_jpeg(file) else None)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    pair = (views.right, views.left) if swap else (views.left, views.right)
    write_picture(out, np.concatenate(pair, axis=1))
    return views
