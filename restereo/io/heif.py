"""HEIC and HEIF photos: opened by Pillow as every other file, once this has been imported."""

from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from numpy.typing import NDArray

pillow_heif.register_heif_opener(thumbnails=False)


def deep_values(path: Path, frame: int) -> NDArray[Any]:
    """Returns the `(H, W)` or `(H, W, 3 or 4)` RGB values of a photo of 10 or 12 bits, scaled to 16: Pillow cuts them.

    Args:
        path: The photo.
        frame: Which picture in it.
    """
    return np.asarray(pillow_heif.open_heif(path, convert_hdr_to_8bit=False)[frame])
