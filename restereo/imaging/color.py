"""Grey and colour apart: BT.601 luma, CIE L*a*b*, and how far and how vividly a picture is coloured."""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.imaging.transfer import decode_srgb, encode_srgb

Picture = NDArray[np.uint8]

BT601: Final = (0.299, 0.587, 0.114)
"""Weights of encoded R, G, B in luma (ITU-R BT.601), the grey of JPEG and of most programs."""
THOUSANDTHS = np.rint(1000 * np.array(BT601)).astype(np.int32)
# Linear sRGB to XYZ (IEC 61966-2-1), the rows divided by the white point D65: neutral greys become equal triples.
TO_XYZ = torch.tensor(
    [[0.4339538, 0.3762192, 0.1898270], [0.2126726, 0.7151522, 0.0721750], [0.0177567, 0.1094678, 0.8727755]]
)
EDGE = 6 / 29


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
