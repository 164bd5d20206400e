"""PatchGAN (Isola et al. 2017): judges patches, not pictures. The critic of `training/objectives/adversarial.py`.

Its name begins with an underscore because no recipe can name it: it restores nothing. Spectral normalisation (Miyato
et al. 2018) in place of BatchNorm, whose statistics would differ between ranks.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchGAN(nn.Module):
    """A conditional critic: it sees what was observed beside the picture that it judges."""

    def __init__(self, channels: int, width: int, spectral: bool = True) -> None:
        """Builds three halvings and two further convolutions, each cell seeing 70x70 px.

        Args:
            channels: Of the observation and of the picture together.
            width: Of the first layer; 64 in the paper.
            spectral: Whether the weights are normalised by their largest singular value.
        """
        super().__init__()
        widths = [channels, width, 2 * width, 4 * width, 8 * width, 1]
        strides = [2, 2, 2, 1, 1]
        layers: list[nn.Module] = []
        for before, after, stride in zip(widths, widths[1:], strides, strict=False):
            layer = nn.Conv2d(before, after, 4, stride, padding=2)
            layers += [spectral_norm(layer) if spectral else layer, nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, lifted: Tensor, picture: Tensor) -> Tensor:
        """Returns `(B, 1, h, w)`: how real each patch looks, above 0 for real.

        Args:
            lifted: `(B, K, H, W)`, the observation as the generator takes it.
            picture: `(B, K, H, W)`, true or restored.

        Example:
            >>> PatchGAN(12, 4)(torch.zeros(1, 6, 96, 96), torch.zeros(1, 6, 96, 96)).shape
            torch.Size([1, 1, 15, 15])
        """
        logits: Tensor = self.layers(torch.cat([lifted, picture], dim=1))
        return logits
