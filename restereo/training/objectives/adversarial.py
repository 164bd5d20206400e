"""Adversarial objective: the pixel objective, and a critic that learns to tell restored pictures from true ones."""

from collections.abc import Iterator

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from restereo.options import Section, Weight
from restereo.sample import Sample
from restereo.training.objectives import Objective, own_losses, pixel_loss


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """Returns the critic's loss (Lim & Ye 2017): 0 once true patches score over 1 and restored ones under -1.

    Example:
        >>> import torch
        >>> hinge(torch.full((1, 1, 2, 2), 2.0), torch.full((1, 1, 2, 2), -3.0)).item()
        0.0
    """
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


class PatchGAN(nn.Module):
    """A conditional critic (Isola et al. 2017) that judges patches: it sees what was observed beside the picture.

    Spectral normalisation (Miyato et al. 2018) is in place of BatchNorm, whose statistics would differ between ranks.
    """

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


class Options(Section):
    """What a recipe's `objective_options` may say.

    Attributes:
        weight: Of the critic's verdict beside the pixel loss; 0 trains the generator as the pixel objective does.
        width: Of the critic's first layer.
        spectral: Whether the critic's weights are normalised by their largest singular value.
        pixel_weight: Of the pixel loss; 0 leaves the critic alone in charge.
        chroma_weight: See the pixel objective.
        ssim_weight: See the pixel objective.
        colourful_weight: See the pixel objective.
    """

    weight: Weight = 0.005
    width: int = Field(32, ge=1)
    spectral: bool = True
    pixel_weight: Weight = 1.0
    chroma_weight: Weight = 0.5
    ssim_weight: Weight = 0.1
    colourful_weight: Weight = 0.0


class Adversarial(Objective):
    """Two players: the critic moves first, then the generator against it."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def players(self, generator: nn.Module, channels_in: int, channels_out: int) -> dict[str, nn.Module]:
        """Returns the generator and a critic that sees the observation too."""
        critic = PatchGAN(channels_in + channels_out, self.options.width, self.options.spectral)
        return {"generator": generator, "discriminator": critic}

    def losses(self, players: dict[str, nn.Module], lifted: Tensor, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        """Yields the critic's loss, and after its step the generator's."""
        critic = players["discriminator"]
        prediction = players["generator"](lifted)
        image = prediction.image
        yield "discriminator", hinge(critic(lifted, sample.truth), critic(lifted, image.detach()))
        o = self.options
        pixel = pixel_loss(image, sample.truth, o.chroma_weight, o.ssim_weight, colourful_weight=o.colourful_weight)
        pixel = o.pixel_weight * pixel + own_losses(players["generator"], prediction, sample)
        yield "generator", pixel - o.weight * critic(lifted, image).mean()


def build(options: Options) -> Adversarial:
    """Returns the adversarial objective.

    Example:
        >>> sorted(build(Options()).players(nn.Identity(), 6, 6))
        ['discriminator', 'generator']
    """
    return Adversarial(options)
