"""Pixel objective: one player that comes as close to the truth as it can, pixel by pixel."""

from collections.abc import Iterator

from torch import Tensor, nn

from restereo.options import Section, Weight
from restereo.sample import Sample
from restereo.training.objectives import Objective, own_losses, pixel_loss


class Options(Section):
    """What a recipe's `objective_options` may say: see `pixel_loss`."""

    chroma_weight: Weight = 0.5
    ssim_weight: Weight = 0.1
    squared_weight: Weight = 0.0
    colourful_weight: Weight = 0.0


class Pixel(Objective):
    """One player, the generator."""

    def __init__(self, options: Options) -> None:
        self.weights = options.model_dump()

    def players(self, generator: nn.Module, channels_in: int, channels_out: int) -> dict[str, nn.Module]:
        """Returns the generator alone."""
        return {"generator": generator}

    def losses(self, players: dict[str, nn.Module], lifted: Tensor, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        """Yields the generator's loss, with the model's own terms if it has any."""
        prediction = players["generator"](lifted)
        loss = pixel_loss(prediction.image, sample.truth, **self.weights)
        yield "generator", loss + own_losses(players["generator"], prediction, sample)


def build(options: Options) -> Pixel:
    """Returns the pixel objective.

    Example:
        >>> sorted(build(Options()).players(nn.Identity(), 6, 6))
        ['generator']
    """
    return Pixel(options)
