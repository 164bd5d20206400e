"""A small siamese network whose answers can be compared between the eyes, whatever colours each of them shows."""

from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.precision import fast_bf16

WINDOW = 15
"""Px of the square that brightness and contrast are taken over."""


def normalise(views: Tensor) -> Tensor:
    """Returns `(x - mean) / std` of the surroundings, `(B, C, H, W)`: the eyes differ in colour, structure compares.

    Example:
        >>> import torch
        >>> normalise(torch.full((1, 3, 9, 9), 0.7)).abs().max().item() < 1e-3
        True
    """

    def mean(x: Tensor) -> Tensor:
        rows = F.avg_pool2d(F.pad(x, (WINDOW // 2,) * 4, mode="replicate"), (1, WINDOW), stride=1)
        return F.avg_pool2d(rows, (WINDOW, 1), stride=1)

    centre = mean(views)
    variance = mean(views * views) - centre * centre
    return (views - centre) / (variance.clamp(min=0) + (2 / 255) ** 2).sqrt()


class Descriptor(nn.Module):
    """Unit vectors at half the size, `(B, K, H, W)` to `(B, C, H / 2, W / 2)`; H and W even."""

    def __init__(self, channels_in: int, width: int, depth: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, width, 3, padding=1))
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the descriptors, float32."""
        with fast_bf16(x.device):
            features = self.stem(x)
            for layer in self.body:
                features = features + layer(F.silu(features))
            features = self.last(F.silu(features))
        return F.normalize(features.float(), dim=1)
