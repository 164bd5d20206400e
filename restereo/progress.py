"""A bar with rate and ETA for whatever takes longer than a moment."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


def rated(items: Iterable[T], title: str, unit: str, total: int | None = None, done: int = 0) -> Iterator[T]:
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


@contextmanager
def metered(title: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    """Yields a function to tell of each amount done, while a bar shows it with its rate and the time left.

    On the terminal's standard error; in a log file it is silent. Any thread may call the function.

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
        task = bar.add_task(title, total=total, done="")

        def advance(amount: float) -> None:
            bar.advance(task, amount)
            state = bar.tasks[0]
            rate = f", {state.speed:.3g} {unit}/s" if state.speed else ""
            bar.update(task, done=f"{state.completed:.3g} of {total:.3g} {unit}{rate}")

        yield advance
