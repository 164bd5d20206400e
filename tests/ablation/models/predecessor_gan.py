"""The generator of the predecessor's GAN (2025), for comparison: 16.7 M parameters, no matching, no skips.

Four 4x4 convolutions of stride 2 (64, 128, 256, 512 channels), a bottleneck of 512, then a decoder of transposed
convolutions for each eye that ends in tanh. Its BatchNorm is GroupNorm here, as running statistics differ between
ranks; it sees what every model of the task sees.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from restereo.layers.precision import fast_bf16
from restereo.layers.unet import pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction

Size = Literal["tiny", "base"]
CHANNELS = (None, 6)
"""Each of the two decoders gives one view."""
WIDTHS: dict[Size, int] = {"tiny": 4, "base": 64}
"""Channels of the first level; `base` is the predecessor's."""
LEVELS = 5


class PredecessorGenerator(nn.Module):
    """The network; any height and width."""

    def __init__(self, channels_in: int, channels_out: int, width: int) -> None:
        super().__init__()
        widths = [width, 2 * width, 4 * width, 8 * width]
        self.encoder = nn.Sequential(*(_halve(*pair) for pair in pairwise([channels_in, *widths])))
        self.bottleneck = nn.Sequential(_halve(widths[-1], widths[-1]), _double(widths[-1], widths[-1]))
        self.decoders = nn.ModuleList(_decoder([*reversed(widths)], channels_out // 2) for _ in range(2))

    def forward(self, x: Tensor) -> Prediction:
        """Returns the picture `(B, C_out, H, W)` in [0, 1]."""
        height, width = x.shape[-2:]
        with fast_bf16(x.device):
            features = self.bottleneck(self.encoder(pad_to_cells(x, 2**LEVELS)))
            image = torch.cat([decoder(features) for decoder in self.decoders], dim=1)
        return Prediction((image.float().tanh() + 1)[..., :height, :width] / 2)


def _halve(channels_in: int, channels_out: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, 4, stride=2, padding=1)
    return nn.Sequential(convolution, nn.GroupNorm(4, channels_out), nn.LeakyReLU(0.2))


def _double(channels_in: int, channels_out: int) -> nn.Sequential:
    convolution = nn.ConvTranspose2d(channels_in, channels_out, 4, stride=2, padding=1)
    return nn.Sequential(convolution, nn.GroupNorm(4, channels_out), nn.ReLU())


def _decoder(widths: list[int], channels_out: int) -> nn.Sequential:
    last = nn.ConvTranspose2d(widths[-1], channels_out, 4, stride=2, padding=1)
    return nn.Sequential(*(_double(*pair) for pair in pairwise(widths)), last)


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests) or `base` (16.7 M parameters).
    """

    size: Size = "base"


def build(channels_in: int, channels_out: int, options: Options) -> PredecessorGenerator:
    """Returns the network with random weights from torch's generator.

    Args:
        channels_in: What the task lifts an observation to.
        channels_out: What the task restores; half of them come from each decoder.
        options: Its size.

    Example:
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 17, 5)).image.shape
        torch.Size([1, 6, 17, 5])
    """
    return PredecessorGenerator(channels_in, channels_out, WIDTHS[options.size])
