"""A bar with rate and ETA for whatever takes longer than a moment."""

import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.progress import Progress

T = TypeVar("T")
ProgressCallback = Callable[[int], None]
"""Called with the amount done each time, such as pixels; a negative one when some has to be done again."""


def no_progress(amount: int) -> None:
    """Does nothing: the `ProgressCallback` of a caller that shows none."""


def rated(items: Iterable[T], title: str, unit: str, total: int | None = None, done: int = 0) -> Generator[T]:
    """Yields the items like `shown`; beside the bar stand the items per second and the time left.

    Args:
        items: Anything to go through that takes long.
        title: What is being done.
        unit: What is counted, such as `frames`.
        total: How many there are, with those already done.
        done: How many were done before, by a run that was interrupted.

    Example:
        >>> list(rated("ab", "reading", "letters", total=3, done=1))
        ['a', 'b']
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}")
    quiet = not console.is_terminal
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task(title, total=total, completed=done, rate="")
        for item in items:
            yield item
            speed = bar.tasks[0].speed
            bar.update(task, advance=1, rate=f"{speed:.3g} {unit}/s" if speed else "")


def shown(items: Iterable[T], title: str, total: int | None = None) -> Iterator[T]:
    """Yields the items while a bar on the terminal's standard error counts them; in a log file it is silent.

    Args:
        items: Anything to go through.
        title: What is being done.
        total: How many there are, if `items` cannot tell.

    Example:
        >>> list(shown([1, 2], "counting"))
        [1, 2]
    """
    from rich.console import Console
    from rich.progress import track

    console = Console(file=sys.stderr)
    yield from track(items, title, total, console=console, transient=True, disable=not console.is_terminal)


class Meter:
    """Told of each amount done; any thread may call it."""

    def __init__(self, bar: "Progress", title: str, total: float, unit: str) -> None:
        self._bar, self._total, self._unit = bar, total, unit
        self._task = bar.add_task(title, total=total, done="")

    def __call__(self, amount: float) -> None:
        """Moves the bar on."""
        self._bar.advance(self._task, amount)
        state = self._bar.tasks[0]
        rate = f", {state.speed:.3g} {self._unit}/s" if state.speed else ""
        self._bar.update(self._task, done=f"{state.completed:.3g} of {self._total:.3g} {self._unit}{rate}")

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Takes the bar off the terminal for as long as the block runs: what is printed there gets lines of its own."""
        self._bar.stop()
        yield
        self._bar.start()


@contextmanager
def metered(title: str, total: float, unit: str) -> Iterator[Meter]:
    """Yields what is to be told of each amount done, while a bar shows it with its rate and the time left.

    On the terminal's standard error; in a log file it is silent.

    Args:
        title: What is being done.
        total: How much there is to do.
        unit: Of the amounts.

    Example:
        >>> with metered("recovering", 2.5, "Mpx") as advance:
        ...     advance(2.5)
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}")
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield Meter(bar, title, total, unit)
