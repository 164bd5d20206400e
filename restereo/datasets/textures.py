"""Pictures of real dirt for old photos, of which some are kept for validation and test."""

import os
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError

HELD_OUT = 5
"""Every fifth texture is kept for validation and test."""


@lru_cache(maxsize=4)
def read_textures(folder: str, frozen: bool) -> tuple[NDArray[np.uint8], ...]:
    """Returns the opacities (alpha channels) of the PNG files in a folder, in the order of their names.

    Args:
        folder: Its name; `$NAME` in it stands for a variable of the environment.
        frozen: Whether those kept for validation and test are wanted, or the others.

    Raises:
        UserError: There is no such folder, or fewer textures in it than can be split.

    Example:
        >>> read_textures("$UNSET/textures", frozen=False)
        Traceback (most recent call last):
        restereo.errors.UserError: $UNSET/textures: not 5 PNG files with transparency in it; name another folder.
    """
    found = []
    for file in sorted(Path(os.path.expandvars(folder)).glob("*.png")):
        picture = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if picture is not None and picture.shape[2:] == (4,):
            found.append(np.asarray(picture[..., 3], np.uint8))
    if len(found) < HELD_OUT:
        raise UserError(f"{folder}: not {HELD_OUT} PNG files with transparency in it; name another folder.")
    return tuple(one for number, one in enumerate(found) if (number % HELD_OUT == 0) == frozen)
