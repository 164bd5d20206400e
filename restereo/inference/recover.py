"""From a picture's file to the file of its two views."""

from pathlib import Path

import numpy as np

from restereo.inference.contender import find_restorer
from restereo.inference.files import is_jpeg, write_picture
from restereo.inference.predictor import Restorer, Views
from restereo.sources._pictures import read_picture

TYPICAL_QUALITY = 85
"""What a JPEG file is taken to have been saved with: the quality on which the projection was calibrated."""


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
    views = restorer.restore(picture, method, TYPICAL_QUALITY if is_jpeg(file) else None, name=str(file))
    pair = (views.right, views.left) if swap else (views.left, views.right)
    write_picture(out, np.concatenate(pair, axis=1))
    return views
