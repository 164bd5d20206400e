"""Cross-channel autoencoder: the lightness of a picture in, its colours (CIE a*, b*) out, lightness kept as it is.

Layers after the public "image colorization using convolutional autoencoders": 3x3 convolutions of 64, 128, 256 (each
halving), 512, 256, then doubled three times by nearest neighbours with 128, 64 and 2 channels, ReLU between them, tanh
at the end.
"""

from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.imaging.color import lab_to_rgb, lightness, rgb_to_lab
from restereo.layers.precision import fast_bf16
from restereo.layers.unet import pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction, Sample

Size = Literal["tiny", "full"]
CHANNELS = (1, 3)
"""The grey, and RGB."""
WIDTH: dict[Size, int] = {"tiny": 8, "full": 64}
"""Channels of the first layer; the others are multiples of it."""
CELL = 8
REACH = 110.0
"""Greatest |a*| or |b*|: sRGB's lie in -108 … 98."""


class Autoencoder(nn.Module):
    """The network; any height and width, padded inside by replication."""

    def __init__(self, width: int) -> None:
        super().__init__()
        ends = [1, width, 2 * width, 4 * width, 8 * width, 4 * width, 2 * width, width, 2]
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(pairwise(ends)):
            if number >= 5:
                layers.append(nn.Upsample(scale_factor=2, mode="nearest"))
            layers += [nn.Conv2d(before, after, 3, stride=2 if number < 3 else 1, padding=1), nn.ReLU()]
        layers[-1] = nn.Tanh()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Prediction:
        """Returns the coloured picture `(B, 3, H, W)` of a grey one `(B, 1, H, W)` in [0, 1], and a*, b* as scores."""
        height, width = x.shape[-2:]
        light = lightness(x)
        with fast_bf16(x.device):
            colours = self.layers(pad_to_cells(light / 100, CELL))
        colours = REACH * colours.float()[..., :height, :width]
        return Prediction(lab_to_rgb(torch.cat([light, colours], dim=1)), scores=colours)

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the mean |Δab| as a share of their reach: what the eye calls colour, however dark it is."""
        assert prediction.scores is not None
        return F.l1_loss(prediction.scores, rgb_to_lab(sample.truth)[:, 1:]) / REACH


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (49 k parameters, for tests) or `full` (3.1 M).
    """

    size: Size = "full"


def build(channels_in: int, channels_out: int, options: Options) -> Autoencoder:
    """Returns an autoencoder with random weights from torch's generator.

    Example:
        >>> build(1, 3, Options(size="tiny"))(torch.zeros(1, 1, 7, 5)).image.shape
        torch.Size([1, 3, 7, 5])
    """
    return Autoencoder(WIDTH[options.size])
