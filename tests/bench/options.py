"""What a person may choose for the measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The choices.

    Attributes:
        recipes: Rows of `recipes:` whose training is measured.
        models: What recovers pictures: names that `restereo evaluate` takes; by default sgbm and the default one.
        megapixels: Sizes of picture for them; by default 1, 12 and 50, those left out that take too long.
        quick: One round of each: it shows that a measure works, not how fast anything is.
    """

    recipes: tuple[str, ...]
    models: tuple[str, ...] = ()
    megapixels: tuple[float, ...] = ()
    quick: bool = False

    def rounds(self, count: int) -> int:
        """Returns how many rounds to measure where `count` are wanted."""
        return 1 if self.quick else count
