"""Pictures in memory: what `from restereo import recover` does."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from restereo.errors import UserError
from restereo.imaging.picture import check_picture
from restereo.inference.answer import Views
from restereo.inference.devices import find_device
from restereo.inference.engine import Restorer
from restereo.inference.lookup import default_model, find_model
from restereo.inference.recover import RecoverOptions, recover_photo
from restereo.io.layouts import eight_bit
from restereo.io.metadata import Metadata
from restereo.io.read import Photo, open_photo, photo_of
from restereo.methods import AnaglyphMethod, parse_or_detect


def recover(
    image: str | Path | Image.Image | NDArray[Any],
    method: str | AnaglyphMethod = "auto",
    *,
    swap: bool = False,
    force: bool = False,
    invent_color: bool = False,
    model: str | None = None,
    device: str = "auto",
) -> Views:
    """Returns both views of an anaglyph; see `restereo.recover`."""
    photo, name = as_photo(image)
    options = RecoverOptions(parse_or_detect(method), swap, force, invent_color)
    return recover_photo(photo, loaded(model or default_model(), device), options, name)[0]


def as_photo(image: str | Path | Image.Image | NDArray[Any]) -> tuple[Photo, str]:
    """Returns what is opened, and what an error sentence calls it.

    Raises:
        UserError: A file or Pillow's picture is damaged, or an array is no RGB picture of 8 or 16 bits.

    Example:
        >>> as_photo(np.zeros((2, 3, 3), np.uint8))[1]
        'the picture'
    """
    if isinstance(image, str | Path):
        return open_photo(Path(image)), str(image)
    name = "the picture"
    if isinstance(image, Image.Image):
        return photo_of(image, name), name
    if not isinstance(image, np.ndarray):
        raise UserError(f"{name}: {type(image).__name__} is neither a file's name, a Pillow picture nor an array.")
    check_picture(eight_bit(image) if image.dtype == np.uint16 else image, name)
    return Photo(image, Metadata(), False), name


@lru_cache(maxsize=2)
def loaded(model: str, device: str) -> Restorer:
    """Returns the network, read once; two of them are kept."""
    return find_model(model, find_device(device), "anaglyph")
