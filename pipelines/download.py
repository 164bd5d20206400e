"""Stage `download@SOURCE`: brings a source's pictures into `data/raw/SOURCE`, with an index of what they are."""

import json
import shutil
from pathlib import Path
from typing import Any, final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from pipelines import paths
from restereo import catalog
from restereo.config import load_params
from restereo.datasets import Item, Source
from restereo.errors import UserError


def main(source: str) -> None:
    """Returns nothing; afterwards `data/raw/SOURCE` is complete. Killed at any moment, it is as it was before.

    Raises:
        UserError: `params.yaml` has no such source, or the source says what it lacks.
    """
    row = load_params().source(source)
    fetch(source, catalog.build("source", row.kind, **row.options), paths.raw(source))


def fetch(name: str, source: Source, target: Path) -> list[Item]:
    """Returns the items after replacing the folder `target` in one step; the same source gives the same bytes.

    Example:
        >>> import tempfile
        >>> from restereo.datasets.builtin import build
        >>> target = Path(tempfile.mkdtemp()) / "builtin"
        >>> len(fetch("builtin", build(), target)), (target / "index.json").exists()
        (7, True)
    """
    partial, old = (target.with_name(f".{target.name}.{word}") for word in ("partial", "old"))
    if old.exists() and not target.exists():  # Killed between the two moves below.
        old.replace(target)
    try:
        for leftover in (partial, old):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        items = _fetch_with_bar(name, source, partial)
        index: dict[str, Any] = {"source": name, "items": [item.as_row() for item in items]}
        if archives := source.archives():
            _check_archives(target / "index.json", archives)
            index["archives"] = archives
        text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
        (partial / "index.json").write_text(text, encoding="utf-8")
        if target.exists():
            target.replace(old)
        partial.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return items


def _check_archives(index: Path, archives: dict[str, str]) -> None:
    """Raises `UserError` if an archive is no longer what the pictures that are there were unpacked from."""
    if not index.exists():
        return
    before = json.loads(index.read_text(encoding="utf-8")).get("archives", {})
    for file, digest in archives.items():
        if before.get(file, digest) != digest:
            raise UserError(
                f"{index}: {file} had the sha256 {before[file]}, now it has {digest}; find out why the bytes changed, "
                f"and delete {index} if the new ones are right."
            )


def _fetch_with_bar(name: str, source: Source, destination: Path) -> list[Item]:
    columns = (TextColumn("{task.description}"), BarColumn(), _Amount(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def told(done: int, total: int | None, what: str = "", /) -> None:
            if what not in tasks:
                for earlier in tasks.values():
                    bar.update(earlier, visible=False)
                title = f"download {name} {what}".rstrip()
                tasks[what] = bar.add_task(title, total=total, completed=done, is_bytes=bool(what))
                if what and not console.is_terminal:  # A log shows no bar, and this may take hours.
                    console.print(title, highlight=False)
            bar.update(tasks[what], completed=done, total=total)

        return source.fetch(destination, told)


@final
class _Amount(ProgressColumn):
    """Pictures as a count, a file as its bytes and their rate."""

    def __init__(self) -> None:
        super().__init__()
        self._count, self._size, self._rate = MofNCompleteColumn(), DownloadColumn(), TransferSpeedColumn()

    def render(self, task: Task) -> Text:
        """Returns the text beside the bar."""
        if not task.fields["is_bytes"]:
            return self._count.render(task)
        return Text(" ").join([self._size.render(task), self._rate.render(task)])


if __name__ == "__main__":
    from pipelines.environment import run_stage

    run_stage(main)
