"""The anaglyph that a method makes of a stereo pair, and which eye owns which of its channels.

Two pictures and a 3x6 matrix are added in integers or in floats, strip by strip.
"""

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import Picture, check_picture
from restereo.methods import ONE, AnaglyphMethod, IntegerRows

Floats = NDArray[Any]
STRIP = 2**15
"""Pixels that are worked on together, so that what is computed of them stays in the processor's cache."""
CENTRE = 128


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


def form(left: Picture, right: Picture, method: AnaglyphMethod) -> Picture:
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
        return fixed_sum(left, right, method.fixed)
    return float_sum(
        left, right, np.array(method.matrix), method.transfer == "linear", method.clip == "eyes", method.exponent
    )


def _mix(picture: Floats, rows: Any) -> Floats:
    """Returns one eye's share: `(H, W, 3)` by `(N, 3)` -> `(H, W, N)`, in the picture's own precision."""
    share: Floats = cv2.transform(picture, np.asarray(rows, dtype=np.float64))
    return share.reshape(*picture.shape[:2], len(rows))


def _strips(height: int, width: int) -> list[slice]:
    """Returns rows that fit into the processor's cache together with what is computed of them."""
    rows = max(1, STRIP // width)
    return [slice(top, min(top + rows, height)) for top in range(0, height, rows)]


def fixed_sum(left: Picture, right: Picture, fixed: IntegerRows) -> Picture:
    """Returns `(H, W, 3)`: the sums of integer weights over 2^16, shifted down (floor) and clipped, bit for bit.

    Args:
        left: `(H, W, 3)` uint8.
        right: `(H, W, 3)` uint8.
        fixed: Three rows of six weights.

    Example:
        >>> half = ((ONE // 2, 0, 0, ONE // 2, 0, 0), (0, 0, 0, 0, ONE, 0), (0,) * 6)
        >>> fixed_sum(np.full((1, 1, 3), 10, np.uint8), np.full((1, 1, 3), 91, np.uint8), half).tolist()
        [[[50, 91, 0]]]
    """
    out = np.zeros(left.shape, np.uint8)
    channels: dict[tuple[int, ...], list[int]] = {}
    for channel, row in enumerate(fixed):
        if sorted(row) == [0, 0, 0, 0, 0, ONE]:
            column = row.index(ONE)
            out[..., channel] = (left, right)[column // 3][..., column % 3]
        elif any(row):
            channels.setdefault(row, []).append(channel)
    for eyes in dict.fromkeys(map(_eyes, channels)):
        alike = [row for row in channels if _eyes(row) == eyes]
        for strip in _strips(*left.shape[:2]):
            codes = _fixed_codes([view[strip] for view, used in zip((left, right), eyes, strict=True) if used], alike)
            for index, row in enumerate(alike):
                for channel in channels[row]:
                    out[strip, :, channel] = codes[..., index]
    return out


def _eyes(row: tuple[int, ...]) -> tuple[bool, bool]:
    return any(row[:3]), any(row[3:])


def _fixed_codes(views: list[Picture], weights: list[tuple[int, ...]]) -> Picture:
    """Returns `(H, W, N)`: the integer sums of N rows of weights over the views used, shifted down and clipped.

    The sums are multiples of 2^-16, exact in float32 while they stay below 2^8. Where weights could lead them beyond,
    values are centred on 0: then only what ends above 2^8 is rounded, and that is clipped.
    """
    rows = np.array([[weight for eye in (row[:3], row[3:]) if any(eye) for weight in eye] for row in weights])
    most = int(np.abs(rows).sum(axis=1).max())
    centre = 0 if most * 255 < 2**24 else CENTRE
    precision = np.float32 if most * (centre or 255) < 2**24 else np.float64
    shares = []
    for index, view in enumerate(views):
        values: Floats = view.astype(precision)
        if centre:
            np.subtract(values, centre, out=values)
        shares.append(_mix(values, rows[:, 3 * index : 3 * index + 3] / ONE))
    total = shares[0]
    for share in shares[1:]:
        total += share
    if centre:  # along whole rows: pixel by pixel it would be slow
        total.reshape(len(total), -1)[:] += np.tile((rows.sum(axis=1) * centre / ONE).astype(precision), total.shape[1])
    return np.clip(total, 0, 255, out=total).astype(np.uint8)  # truncation of what is not negative is floor


@lru_cache(maxsize=2)
def _decoded(linear: bool) -> NDArray[np.float32]:
    """Returns what the 256 codes mean in [0, 1]: themselves, or linear light (IEC 61966-2-1)."""
    codes = np.arange(256) / 255.0
    return (decode(codes) if linear else codes).astype(np.float32)


def decode(encoded: Floats) -> Floats:
    """Returns linear light of sRGB values, any shape (IEC 61966-2-1).

    Example:
        >>> round(float(decode(np.array(0.5))), 4)
        0.214
    """
    curve = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, encoded / 12.92, curve)


def encode(linear: Floats) -> Floats:
    """Returns sRGB values of linear light, any shape: the inverse of `decode`.

    Example:
        >>> round(float(encode(decode(np.array(0.7)))), 5)
        0.7
    """
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, curve)


def float_sum(
    left: Picture, right: Picture, matrix: Floats, linear: bool, clip_eyes: bool, exponent: tuple[float, float, float]
) -> Picture:
    """Returns `(H, W, 3)`: the sums of float weights, clipped and rounded to nearest, computed in float32.

    Args:
        left: `(H, W, 3)` uint8.
        right: `(H, W, 3)` uint8.
        matrix: `(3, 6)`.
        linear: Add in linear light (sRGB decoded) and encode the sum again.
        clip_eyes: Clip each eye's share to [0, 1] before they are added.
        exponent: Each channel is raised to 1 / exponent at the end.

    Example:
        >>> view, matrix = np.full((1, 1, 3), 100, np.uint8), np.full((3, 6), 1 / 6)
        >>> float_sum(view, view, matrix, True, False, (1.0, 1.0, 1.0)).tolist()
        [[[100, 100, 100]]]
    """
    out = np.empty(left.shape, np.uint8)
    values = _decoded(linear)
    for strip in _strips(*left.shape[:2]):
        shares = [_mix(cv2.LUT(view[strip], values), w) for view, w in ((left, matrix[:, :3]), (right, matrix[:, 3:]))]
        if clip_eyes:
            shares = [np.clip(share, 0.0, 1.0, out=share) for share in shares]
        total = shares[0] + shares[1]
        np.clip(total, 0.0, 1.0, out=total)
        if linear:
            total = encode(total)
        for channel, gamma in enumerate(exponent):
            if gamma != 1.0:
                total[..., channel] **= 1 / gamma
        out[strip] = total * 255.0 + 0.5
    return out
