"""A bar with rate and time left for whatever takes longer than a moment."""

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from operator import length_hint
from typing import Self, TypeVar

T = TypeVar("T")
ProgressCallback = Callable[[int], None]
"""Called with the amount done each time, such as pixels; a negative one when some has to be done again."""


def no_progress(amount: int) -> None:
    """Does nothing: the `ProgressCallback` of a caller that shows none."""


class ProgressBar:
    """A context whose bar stands on the terminal's standard error; in a log file it is silent but for `note`.

    It is called with each amount done, by any thread.

    Attributes:
        first: The amount that was done before this process.

    Example:
        >>> with ProgressBar("recovering", 2.5, "Mpx") as progress:
        ...     progress(2)
        >>> progress.done
        2
    """

    def __init__(self, title: str, total: float | None, unit: str = "", done: int = 0, quiet: bool = False) -> None:
        """Makes the bar.

        Args:
            title: What is being done.
            total: How much there is to do, with what is done already; None = not known.
            unit: Of the amounts, such as `frames`.
            done: How much was done before, by a run that was interrupted.
            quiet: Show nothing.
        """
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._console = Console(file=sys.stderr, quiet=quiet)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}")
        times = TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn()
        hidden = not self._console.is_terminal
        self._bar = Progress(*columns, *times, console=self._console, transient=True, disable=hidden)
        self._task = self._bar.add_task(title, total=total, completed=done, amount="")
        self._total, self._unit = total, unit
        self.first, self._started = done, time.perf_counter()

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def __call__(self, amount: float = 1) -> None:
        """Moves the bar on."""
        self._bar.advance(self._task, amount)
        form = ".3g" if isinstance(self._total, float) else ".0f"
        of = "" if self._total is None else f" of {self._total:{form}}"
        self._bar.update(self._task, amount=f"{self.done:{form}}{of} {self._unit}, {self.rate:.3g} {self._unit}/s")

    @property
    def done(self) -> float:
        """How much is done."""
        return self._bar.tasks[0].completed

    @property
    def rate(self) -> float:
        """Amount in a second since the start of this process."""
        return (self.done - self.first) / max(time.perf_counter() - self._started, 1e-9)

    def note(self, text: str) -> None:
        """Prints a line above the bar; in a log file it says rate and time left too."""
        left = ((self._total or 0) - self.done) / self.rate if self.rate else 0.0
        tail = "" if self._console.is_terminal else f"  {self.rate:.1f} {self._unit}/s, ETA {left:.0f} s"
        self._console.print(f"{self.done:.0f}/{self._total} {self._unit}  {text}{tail}", highlight=False)

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Takes the bar off the terminal for as long as the block runs: what is printed there gets lines of its own."""
        self._bar.stop()
        yield
        self._bar.start()


def shown(items: Iterable[T], title: str, total: int | None = None, unit: str = "items", done: int = 0) -> Generator[T]:
    """Yields the items while a `ProgressBar` counts them.

    Args:
        items: Anything to go through.
        title: What is being done.
        total: How many there are, with those already done, if `items` cannot tell.
        unit: What they are.
        done: How many were done before, by a run that was interrupted.

    Example:
        >>> list(shown("ab", "reading", total=3, unit="letters", done=1))
        ['a', 'b']
    """
    with ProgressBar(title, total or length_hint(items) or None, unit, done) as progress:
        for item in items:
            yield item
            progress()
