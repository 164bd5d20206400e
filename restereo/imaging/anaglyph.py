"""The anaglyph that a method makes of a stereo pair, and which eye owns which of its channels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import check_picture
from restereo.imaging import formation
from restereo.methods import AnaglyphMethod


def eye_channels(matrix: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the output channels that belong mainly to the left eye, and those of the right eye.

    A channel belongs to the eye whose weights have the larger sum of magnitudes, an all-zero one to none.

    Args:
        matrix: P, anything that `numpy.asarray` takes, `(C, 6)`.

    Example:
        >>> from restereo.methods import METHODS
        >>> eye_channels(METHODS["green-magenta-dubois"].matrix)
        ((1,), (0, 2))
    """
    weights = np.abs(np.asarray(matrix, dtype=np.float64))
    left, right = weights[:, :3].sum(axis=1), weights[:, 3:].sum(axis=1)
    return tuple(map(int, np.flatnonzero(left > right))), tuple(map(int, np.flatnonzero(right > left)))


def form(left: NDArray[np.uint8], right: NDArray[np.uint8], method: AnaglyphMethod) -> NDArray[np.uint8]:
    """Returns the anaglyph `(H, W, 3)` uint8 of two views `(H, W, 3)` uint8.

    Fixed methods equal ffmpeg's `stereo3d` bit for bit: an integer sum, shifted down (floor), clipped. The
    others are computed in float32 and rounded to nearest.

    Raises:
        UserError: The views differ in size, or are no 8-bit RGB pictures.

    Example:
        >>> from restereo.methods import METHODS
        >>> left, right = np.full((1, 1, 3), 10, np.uint8), np.full((1, 1, 3), 90, np.uint8)
        >>> form(left, right, METHODS["red-cyan-color"]).tolist()
        [[[10, 90, 90]]]
    """
    if left.shape != right.shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" if p.ndim >= 2 else str(p.shape) for p in (left, right))
        raise UserError(f"the two views have different sizes ({sizes}); give two pictures of one size.")
    check_picture(left, "the left view")
    check_picture(right, "the right view")
    if method.fixed is not None:
        return formation.fixed_sum(left, right, method.fixed)
    return formation.float_sum(
        left, right, np.array(method.matrix), method.transfer == "linear", method.clip == "eyes", method.exponent
    )
