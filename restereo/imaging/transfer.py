"""The sRGB transfer curve on tensors (IEC 61966-2-1)."""

import torch
from torch import Tensor


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
