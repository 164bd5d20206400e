"""Stage `download@SOURCE`: brings a source's pictures into `data/raw/SOURCE`, with an index of what they are."""

import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from pipelines import paths
from restereo import catalog
from restereo.config import load_params
from restereo.datasets import Item, Source
from restereo.errors import UserError


def main(source: str) -> None:
    """Downloads a source: afterwards `data/raw/SOURCE` is complete. If killed, the folder is as it was before.

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
    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def on_progress(done: int, total: int | None, what: str = "", /) -> None:
            if what not in tasks:
                for earlier in tasks.values():
                    bar.update(earlier, visible=False)
                title = f"download {name} {what}".rstrip()
                tasks[what] = bar.add_task(title, total=total, completed=done, amount="")
                if what and not console.is_terminal:  # a log shows no bar, and this may take hours
                    console.print(title, highlight=False)
            unit, size = ("MB", 1e6) if what else ("pictures", 1)
            of = "" if total is None else f" of {total / size:,.0f}"
            speed = bar.tasks[tasks[what]].speed
            rate = f", {speed / size:.3g} {unit}/s" if speed else ""
            bar.update(tasks[what], completed=done, total=total, amount=f"{done / size:,.0f}{of} {unit}{rate}")

        return source.fetch(destination, on_progress)


if __name__ == "__main__":
    from pipelines.environment import run_stage

    run_stage(main)
