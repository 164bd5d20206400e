"""The U-Net body (Ronneberger et al. 2015) that models share, without batch normalisation.

BatchNorm's running statistics differ between ranks and between training and use, so blocks are plain residual
convolutions. It works on 2x2 cells folded into channels (pixel unshuffle, Shi et al. 2016): four times cheaper, and it
sees twice as far sideways.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.precision import fast_bf16


class Block(nn.Module):
    """Two 3x3 convolutions and a skip, `(B, C_in, H, W)` to `(B, C_out, H, W)`."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.second = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.skip = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's features."""
        features: Tensor = self.skip(x) + self.second(F.silu(self.first(F.silu(x))))
        return features


class UNetBody(nn.Module):
    """A correction `(B, C_out, H, W)` of `(B, C_in, H, W)`; it starts as zero, so the rest of a model starts as it is.

    Attributes:
        cell: Height and width must be multiples of it.
    """

    def __init__(self, channels_in: int, channels_out: int, widths: Sequence[int], dropout: float = 0.0) -> None:
        """Builds a level for each of `widths`, its channels, each at half the height and width of the one before."""
        super().__init__()
        self.dropout = dropout
        self.cell = 2 ** len(widths)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, widths[0], 3, padding=1))
        self.down = nn.ModuleList(Block(width, width) for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths))
        self.bottom = Block(widths[-1], widths[-1])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(Block(2 * width, width) for width in widths[:-1])
        last = nn.Conv2d(widths[0], 4 * channels_out, 3, padding=1)
        self.head = nn.Sequential(last, nn.PixelShuffle(2))
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the correction, float32."""
        with fast_bf16(x.device):
            features, skips = self.stem(x), []
            for block, shrink in zip(self.down, self.shrink, strict=True):
                skips.append(block(features))
                features = shrink(skips[-1])
            features = F.dropout2d(self.bottom(features), self.dropout, self.training and self.dropout > 0)
            for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
                features = block(torch.cat([grow(features), skips.pop()], dim=1))
            correction: Tensor = self.head(features)
        return correction.float()


def pad_to_cells(x: Tensor, cell: int) -> Tensor:
    """Returns `x` with its last row and column repeated until height and width are multiples of `cell`.

    Example:
        >>> pad_to_cells(torch.zeros(1, 1, 5, 8), 8).shape
        torch.Size([1, 1, 8, 8])
    """
    height, width = x.shape[-2:]
    return F.pad(x, (0, -width % cell, 0, -height % cell), mode="replicate")
