"""What a person may choose for the measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The choices.

    Attributes:
        recipes: Rows of `recipes:` whose training and inference are measured.
        megapixels: Sizes of picture for inference.
        quick: One round of each: it shows that a measure works, not how fast anything is.
    """

    recipes: tuple[str, ...]
    megapixels: tuple[float, ...] = (1, 12, 50)
    quick: bool = False

    def rounds(self, count: int) -> int:
        """Returns how many rounds to measure where `count` are wanted."""
        return 1 if self.quick else count
