"""What is minimised, one file per objective; `build(options)` returns an `Objective`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn

from restereo.sample import HasLosses, Prediction, Sample


class Objective(ABC):
    """What each player of the training minimises. A plain network is a game of one player."""

    @abstractmethod
    def players(self, generator: nn.Module, channels_in: int, channels_out: int) -> dict[str, nn.Module]:
        """Returns the networks to optimise by name; the restoring one is called `generator`."""

    @abstractmethod
    def losses(self, players: dict[str, nn.Module], lifted: Tensor, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        """Yields (player, loss) in the order in which the players move; each loss is computed when it is asked for.

        Args:
            players: The networks, as the training engine wraps them.
            lifted: `(B, K, H, W)`, what the generator takes: `Task.lift` of the observation.
            sample: The batch.
        """


def own_losses(generator: nn.Module, prediction: Prediction, sample: Sample) -> Tensor:
    """Returns what the model itself minimises beside the objective, its `losses(prediction, sample)`; 0 if it has none.

    Example:
        >>> import torch
        >>> picture = torch.zeros(1, 6, 2, 2)
        >>> own_losses(nn.Identity(), Prediction(picture), Sample(picture, picture, None)).item()
        0.0
    """
    model = getattr(generator, "module", generator)  # without what the training engine wrapped around it
    return model.losses(prediction, sample) if isinstance(model, HasLosses) else prediction.image.new_zeros(())
