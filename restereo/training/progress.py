"""What a person sees while a network trains: a bar with rate and ETA, or a line now and then in a log file."""

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


class TrainingProgress:
    """A context in which `advance` is called for each step and `note` for each validation."""

    def __init__(self, title: str, total: int, done: int, quiet: bool = False) -> None:
        self.console = Console(file=sys.stderr, quiet=quiet)
        self.total = total
        self.first = self.done = done
        self.started = time.perf_counter()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task(title, total=total, completed=done, rate="")

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    @property
    def rate(self) -> float:
        """Steps per second since the start of this process."""
        return (self.done - self.first) / max(time.perf_counter() - self.started, 1e-9)

    def advance(self) -> None:
        """Counts one step."""
        self.done += 1
        self.bar.update(self.task, completed=self.done, rate=f"{self.rate:.1f} steps/s")

    def note(self, text: str) -> None:
        """Prints a line above the bar; in a log file it says rate and ETA too."""
        left = (self.total - self.done) / self.rate if self.rate else 0.0
        tail = "" if self.console.is_terminal else f"  {self.rate:.1f} steps/s, ETA {left:.0f} s"
        self.console.print(f"step {self.done}/{self.total}  {text}{tail}", highlight=False)
