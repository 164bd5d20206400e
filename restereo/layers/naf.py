"""The nonlinear-activation-free block (Chen et al. 2022), without channel attention: a band is seen like the whole."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LayerNorm(nn.Module):
    """Each pixel's channels `(B, C, H, W)` with mean 0 and variance 1, scaled and shifted."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the normalised features."""
        last = x.movedim(1, -1)
        normed = F.layer_norm(last, last.shape[-1:], self.weight.flatten(), self.bias.flatten())
        return normed.movedim(-1, 1)


def gate(x: Tensor) -> Tensor:
    """Returns the product of both halves of the channels.

    Example:
        >>> gate(torch.full((1, 4, 1, 1), 3.0)).flatten().tolist()
        [9.0, 9.0]
    """
    first, second = x.chunk(2, dim=1)
    return first * second


class NAFBlock(nn.Module):
    """Features of the same shape `(B, C, H, W)`; it starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial_norm, self.channel_norm = LayerNorm(channels), LayerNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.merge = nn.Conv2d(channels, channels, 1)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.contract = nn.Conv2d(channels, channels, 1)
        for last in (self.merge, self.contract):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's features."""
        x = x + self.merge(gate(self.depthwise(self.widen(self.spatial_norm(x)))))
        features: Tensor = x + self.contract(gate(self.expand(self.channel_norm(x))))
        return features
