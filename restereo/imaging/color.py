"""Grey and colour: the sRGB curve, BT.601 luma, CIE L*a*b*, errors of colour, and whether a picture has colours."""

from typing import Final

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.image import Picture, check_picture

BT601: Final = (0.299, 0.587, 0.114)
"""Weights of encoded R, G, B in luma (ITU-R BT.601), the grey of JPEG and of most programs."""
THOUSANDTHS = np.rint(1000 * np.array(BT601)).astype(np.int32)
# Linear sRGB to XYZ (IEC 61966-2-1), the rows divided by the white point D65: neutral greys become equal triples.
TO_XYZ = torch.tensor(
    [[0.4339538, 0.3762192, 0.1898270], [0.2126726, 0.7151522, 0.0721750], [0.0177567, 0.1094678, 0.8727755]]
)
EDGE = 6 / 29
TINT_WIDTH: Final = 96
"""Px that a picture is reduced to: grain and the blotches of JPEG even out, colours do not."""
TONES: Final = 16
"""Tones of light that a cast is taken from: sepia fades towards black and white."""
PERCENTILE: Final = 98
"""Percentile of the pixels: colours may be a small part of a picture."""
COLOURED: Final = 10.0
"""Codes from which a picture has colours (tests/pipelines/validation/tones.py, 300 training photographs: sepia, with
noise and JPEG at most 8.8; as they are, 94 % are over it; the others are nearly grey)."""


def decode_srgb(encoded: Tensor) -> Tensor:
    """Returns linear light in [0, 1] of sRGB values, any shape; negative values go on with the straight piece.

    Example:
        >>> round(decode_srgb(torch.tensor(0.5)).item(), 4)
        0.214
    """
    curve = ((encoded.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, encoded / 12.92, curve)


def encode_srgb(linear: Tensor) -> Tensor:
    """Returns sRGB values of linear light, any shape: the inverse of `decode_srgb`.

    Example:
        >>> round(encode_srgb(decode_srgb(torch.tensor(0.7))).item(), 5)
        0.7
    """
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, curve)


def luma(picture: Picture) -> Picture:
    """Returns the BT.601 grey `(H, W, 1)` uint8 of an `(H, W, 3)` uint8 RGB picture, halves rounded up.

    In whole numbers: processors round sums of floats each in its way, and a grey's bytes decide where dirt falls.

    Example:
        >>> luma(np.full((1, 1, 3), (255, 0, 0), np.uint8)).tolist()
        [[[76]]]
    """
    thousandfold: NDArray[np.int32] = picture.astype(np.int32) @ THOUSANDTHS
    return ((thousandfold + 500) // 1000).astype(np.uint8)[..., None]


def lightness(grey: Tensor) -> Tensor:
    """Returns CIE L* in [0, 100] of neutral sRGB values in [0, 1], any shape.

    Example:
        >>> round(lightness(torch.tensor(0.5)).item(), 1)
        53.4
    """
    return 116 * _root(decode_srgb(grey.clamp(0, 1))) - 16


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Returns sRGB `(B, 3, H, W)`, not clipped, of CIE L*a*b* (D65) `(B, 3, H, W)`.

    Example:
        >>> lab_to_rgb(torch.tensor([100.0, 0.0, 0.0]).reshape(1, 3, 1, 1)).flatten().round(decimals=2).tolist()
        [1.0, 1.0, 1.0]
    """
    f = (lab[:, :1] + 16) / 116
    roots = torch.cat([f + lab[:, 1:2] / 500, f, f - lab[:, 2:] / 200], dim=1)
    xyz = torch.where(roots > EDGE, roots.clamp(min=EDGE) ** 3, 3 * EDGE**2 * (roots - 4 / 29))
    linear = torch.einsum("rc,bchw->brhw", torch.linalg.inv(TO_XYZ).to(xyz), xyz)
    return encode_srgb(linear)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """Returns CIE L*a*b* (D65) `(B, 3, H, W)` of sRGB in [0, 1].

    Example:
        >>> red = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
        >>> rgb_to_lab(red).flatten().round().tolist()
        [53.0, 80.0, 67.0]
    """
    x, y, z = _root(torch.einsum("rc,bchw->brhw", TO_XYZ.to(rgb), decode_srgb(rgb))).split(1, dim=1)
    return torch.cat([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def _root(value: Tensor) -> Tensor:
    return torch.where(value > EDGE**3, value.clamp(min=EDGE**3) ** (1 / 3), value / (3 * EDGE**2) + 4 / 29)


def mean_absolute_error(a: Picture, b: Picture) -> float:
    """Returns the mean absolute difference of two uint8 pictures, over all channels, as a share of 255.

    Example:
        >>> mean_absolute_error(np.zeros((1, 2, 3), np.uint8), np.full((1, 2, 3), 51, np.uint8))
        0.2
    """
    return float(np.abs(a.astype(np.int16) - b).mean()) / 255


def chroma_error(a: Picture, b: Picture) -> float:
    """Returns the mean of |Δa| and |Δb| over the pixels of two RGB pictures `(H, W, 3)` uint8, in CIE Lab units.

    Example:
        >>> picture = np.full((1, 1, 3), (200, 10, 10), np.uint8)
        >>> chroma_error(picture, picture)
        0.0
    """
    ours, true = (rgb_to_lab(torch.from_numpy(p.astype(np.float32) / 255).permute(2, 0, 1)[None]) for p in (a, b))
    return float((ours - true)[:, 1:].abs().mean())


def colourfulness(picture: Picture) -> float:
    """Returns the colourfulness of a picture `(H, W, 3)` uint8 (Hasler & Süsstrunk 2003, M3): 0 grey, 109 extreme.

    Example:
        >>> colourfulness(np.full((2, 2, 3), 90, np.uint8))
        0.0
    """
    red, green, blue = picture.astype(np.float64).transpose(2, 0, 1)
    opponents = red - green, (red + green) / 2 - blue
    spread = np.hypot(*(one.std() for one in opponents))
    return float(spread + 0.3 * np.hypot(*(one.mean() for one in opponents)))


def own_colour(picture: Picture) -> float:
    """Returns how far a picture's chroma departs from what its light alone explains, in codes; grey and sepia: 0.

    The departure of Cr and Cb from their means among pixels equally light, of the most colourful 2 % at least: a tint
    over all does not count.

    Args:
        picture: `(H, W, 3)` uint8 RGB.

    Raises:
        UserError: It is no 8-bit RGB picture.

    Example:
        >>> ramp = np.linspace(0, 1, 64 * 64).reshape(64, 64, 1)
        >>> sepia = np.rint(ramp * (255, 240, 200)).astype(np.uint8)
        >>> equally_light = np.zeros((64, 64, 3), np.uint8)
        >>> equally_light[:, :32, 0], equally_light[:, 32:, 1] = 200, 102
        >>> own_colour(sepia) < 2, own_colour(equally_light) > 50
        (True, True)
    """
    check_picture(picture, "the picture")
    height, width = picture.shape[:2]
    scale = min(1.0, TINT_WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32) / 255
    light, *chroma = (one.ravel() for one in cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)))
    step = np.minimum((light * TONES).astype(np.int64), TONES - 1)
    count = np.maximum(np.bincount(step, minlength=TONES), 1)
    off = [one - (np.bincount(step, one, TONES) / count)[step] for one in chroma]
    return float(255 * np.percentile(np.hypot(*off), PERCENTILE))


def has_colours(picture: Picture) -> bool:
    """Returns whether a picture has colours of its own.

    Example:
        >>> has_colours(np.full((8, 8, 3), (90, 80, 60), np.uint8))
        False
    """
    return own_colour(picture) > COLOURED
