"""The U-Net of the only deep predecessor (2025), for comparison: 31 M parameters, no matching.

Levels of 64, 128, 256, 512 and 1024 channels, two normalised 3x3 convolutions a level, max-pooling, transposed 2x2
convolutions, a 1x1 output with a sigmoid. Its BatchNorm is GroupNorm here, as running statistics differ between ranks;
it sees what every model of the task sees, and gives all channels.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.precision import fast_bf16
from restereo.layers.unet import pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction

Size = Literal["tiny", "base"]
WIDTHS: dict[Size, int] = {"tiny": 4, "base": 64}
"""Channels of the first level; `base` is the predecessor's."""
LEVELS = 4


class PredecessorUNet(nn.Module):
    """The network; any height and width."""

    def __init__(self, channels_in: int, channels_out: int, width: int) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(LEVELS + 1)]
        self.down = nn.ModuleList(_double(*pair) for pair in pairwise([channels_in, *widths]))
        self.grow = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(_double(2 * fine, fine) for fine in widths[:-1])
        self.head = nn.Conv2d(width, channels_out, 1)

    def forward(self, x: Tensor) -> Prediction:
        """Returns the picture `(B, C_out, H, W)` in [0, 1]."""
        height, width = x.shape[-2:]
        with fast_bf16(x.device):
            features = [self.down[0](pad_to_cells(x, 2**LEVELS))]
            for block in self.down[1:]:
                features.append(block(F.max_pool2d(features[-1], 2)))
            found = features.pop()
            for block, grow in zip(reversed(self.up), reversed(self.grow), strict=True):
                found = block(torch.cat([grow(found), features.pop()], dim=1))
            image = self.head(found)
        return Prediction(image.float().sigmoid()[..., :height, :width])


def _double(channels_in: int, channels_out: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out):
        layers += [
            nn.Conv2d(channels, channels_out, 3, padding=1, bias=False),
            nn.GroupNorm(4, channels_out),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests) or `base` (31.0 M parameters).
    """

    size: Size = "base"


def build(channels_in: int, channels_out: int, options: Options) -> PredecessorUNet:
    """Returns the network with random weights from torch's generator.

    Args:
        channels_in: What the task lifts an observation to.
        channels_out: What the task restores.
        options: Its size.

    Example:
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 17, 5)).image.shape
        torch.Size([1, 6, 17, 5])
    """
    return PredecessorUNet(channels_in, channels_out, WIDTHS[options.size])
