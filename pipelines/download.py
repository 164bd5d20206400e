"""Stage `download@SOURCE`: brings a source's pictures into `data/raw/SOURCE`, with an index of what they are."""

import json
import shutil
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipelines import paths
from restereo import catalog
from restereo.config import load_params
from restereo.errors import UserError, nearest
from restereo.sources import Item, Source


def main(source: str) -> None:
    """Returns nothing; afterwards `data/raw/SOURCE` is complete. Killed at any moment, it is as it was before.

    Raises:
        UserError: `params.yaml` has no such source, or the source says what it lacks.
    """
    rows = load_params().sources
    if source not in rows:
        raise UserError(f"params.yaml: unknown source '{source}': {nearest(source, rows)}.")
    fetch(source, catalog.build("source", source, **rows[source]), paths.raw(source))


def fetch(name: str, source: Source, target: Path) -> list[Item]:
    """Returns the items after replacing the folder `target` in one step; the same source gives the same bytes.

    Example:
        >>> import tempfile
        >>> from restereo.sources.builtin import build
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
        index = {"source": name, "items": [item.as_row() for item in items]}
        text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
        (partial / "index.json").write_text(text, encoding="utf-8")
        if target.exists():
            target.replace(old)
        partial.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return items


def _fetch_with_bar(name: str, source: Source, destination: Path) -> list[Item]:
    columns = (TextColumn(f"download {name}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        return source.fetch(destination, lambda done, total: bar.update(task, completed=done, total=total))


if __name__ == "__main__":
    from pipelines.quiet import run_stage

    run_stage(main)
