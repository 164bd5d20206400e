"""U-Net (Ronneberger et al. 2015) without batch normalisation, as a correction to its own input.

BatchNorm's running statistics differ between ranks and between training and use, so blocks are plain residual
convolutions. The input is added to the output: the linear estimate starts out copied, the network learns the rest.
It works on 2x2 cells folded into channels (pixel unshuffle, Shi et al. 2016): four times cheaper, and it sees twice
as far sideways, which is where the other eye's colours are.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.sample import Prediction

Size = Literal["tiny", "small", "base"]
SIZES: dict[Size, tuple[int, int]] = {"tiny": (8, 2), "small": (16, 3), "base": (40, 3)}
"""Width of the first level (doubled at each) and number of halvings."""


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


class UNet(nn.Module):
    """The network; any height and width, padded inside by replication to a multiple of its coarsest cell."""

    def __init__(self, channels_in: int, channels_out: int, width: int, depth: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.cell = 2 ** (depth + 1)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, width, 3, padding=1))
        self.copy = (
            nn.Conv2d(channels_in, channels_out, 1, bias=False) if channels_in != channels_out else nn.Identity()
        )
        self.down = nn.ModuleList(Block(width, width) for width in widths[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(fine, coarse, 2, stride=2) for fine, coarse in pairwise(widths))
        self.bottom = Block(widths[-1], widths[-1])
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(Block(2 * width, width) for width in widths[:-1])
        last = nn.Conv2d(width, 4 * channels_out, 3, padding=1)
        self.head = nn.Sequential(last, nn.PixelShuffle(2))
        for parameter in last.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Prediction:
        """Returns the restored picture `(B, channels_out, H, W)` of `x` `(B, channels_in, H, W)` in [0, 1]."""
        height, width = x.shape[-2:]
        padded = F.pad(x, (0, -width % self.cell, 0, -height % self.cell), mode="replicate")
        features, skips = self.stem(padded), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            skips.append(block(features))
            features = shrink(skips[-1])
        features = self.bottom(features)
        for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
            features = block(torch.cat([grow(features), skips.pop()], dim=1))
        image = self.copy(padded) + self.head(features)
        return Prediction(image[..., :height, :width])


def build(channels_in: int, channels_out: int, *, size: Size = "small") -> UNet:
    """Returns a U-Net with random weights from torch's generator.

    Args:
        channels_in: Channels of the lifted observation.
        channels_out: Channels of the restored picture.
        size: `tiny` (42 k parameters, for tests), `small` (.64 M) or `base` (4.0 M).

    Example:
        >>> build(6, 6, size="tiny")(torch.zeros(1, 6, 7, 5)).image.shape
        torch.Size([1, 6, 7, 5])
    """
    return UNet(channels_in, channels_out, *SIZES[size])
