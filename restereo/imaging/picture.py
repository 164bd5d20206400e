"""The one check of what a function takes for a picture."""

from typing import Any

import numpy as np

from restereo.errors import UserError


def check_picture(picture: Any, name: str = "the picture", least: int = 1) -> None:
    """Raises `UserError` unless this is an RGB picture of 8 bits, at least `least` px wide and high.

    Args:
        picture: What should be `(H, W, 3)` uint8.
        name: The file or role that the sentence names.
        least: Smallest side in px.

    Example:
        >>> check_picture(np.zeros((2, 3, 3), np.uint8))
        >>> check_picture(np.zeros((2, 3), np.uint8), "a.png")
        Traceback (most recent call last):
        restereo.errors.UserError: a.png: it has one channel, not red, green and blue; convert it to 8-bit RGB.
    """
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise UserError(f"{name}: its values are {kind}, not 8-bit; convert it to 8-bit RGB.")
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 1):
        raise UserError(f"{name}: it has one channel, not red, green and blue; convert it to 8-bit RGB.")
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"{name}: its shape is {picture.shape}, not height x width x 3; convert it to 8-bit RGB.")
    height, width = picture.shape[:2]
    if min(height, width) < max(1, least):
        raise UserError(f"{name}: it is {width}x{height} px; at least {least}x{least} px are needed.")
