"""What is minimised, one file per objective; `build(*, ...)` returns an `Objective`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from torch import Tensor, nn

from restereo.sample import Sample


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
