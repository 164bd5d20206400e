"""A bar with rate and ETA for whatever takes longer than a moment."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


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
