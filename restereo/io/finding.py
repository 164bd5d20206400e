"""Pictures and films, found by name or below folders: what is read, what is left out, and what cannot be."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from restereo.errors import UserError
from restereo.io.naming import is_result
from restereo.io.read import ENDINGS, check_regular
from restereo.video.kind import SUFFIXES

SHOWN = 3
"""How many of the files left out are named."""


@dataclass(frozen=True)
class Found:
    """A file to read.

    Attributes:
        file: Its path.
        under: Its folder below the one that was named.
        error: Why it cannot be read, in a sentence, or nothing.
    """

    file: Path
    under: Path = Path()
    error: str = ""


def find_sources(paths: Sequence[Path], out: Path | None, note: Callable[[str], None]) -> list[Found]:
    """Returns the files named and those below folders named, each once; not hidden ones and earlier results.

    Args:
        paths: Pictures, films and folders.
        out: Where results go: nothing in that folder is a source, if it lies below one that was named.
        note: Told of what is left out.
    """
    found = dict[Path, Found]()
    for path in paths:
        for source in _below(path, out, note):
            found.setdefault(place_of(source.file), source)
    return list(found.values())


def is_folder(path: Path) -> bool:
    """Returns whether it is a folder; not if that cannot be told, as of a name that is too long.

    Example:
        >>> is_folder(Path(".")), is_folder(Path(1000 * "a"))
        (True, False)
    """
    try:
        return path.is_dir()
    except OSError:
        return False


def place_of(file: Path) -> Path:
    """Returns the file's path in the one way of writing it; a link is not followed, for it has a name of its own.

    Example:
        >>> place_of(Path("a/../b.png")) == place_of(Path("b.png"))
        True
    """
    whole = file.resolve() if file.name in {"", ".."} else file
    return Path(os.path.realpath(whole.parent)) / whole.name


def _below(path: Path, out: Path | None, note: Callable[[str], None]) -> Iterator[Found]:
    if not is_folder(path):
        yield _checked(path)
        return
    found: list[Path] = []
    errors: list[OSError] = []
    apart = None if out is None else os.path.realpath(out)
    for folder, folders, names in os.walk(path, onerror=errors.append):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and os.path.realpath(here / n) != apart)
        found += [
            here / n for n in sorted(names) if not n.startswith(".") and Path(n).suffix.lower() in ENDINGS | SUFFIXES
        ]
    for error in errors:
        said = f"{error.filename}: cannot be read ({error.strerror}); allow reading it."
        yield Found(Path(error.filename), error=said)
    bare = {file.with_suffix("") for file in found} | set(found)
    results = [file for file in found if is_result(file, bare)]
    if results:
        names = [str(file.relative_to(path)) for file in results[:SHOWN]]
        listing = ", ".join(names) + (", ..." if len(results) > SHOWN else "")
        note(f"{path}: {len(results)} left out as results of earlier runs ({listing}); name them to take them")
    left_out = set(results)
    for file in found:
        if file not in left_out:
            yield _checked(file, file.parent.relative_to(path))
    if not errors and len(results) == len(found):
        said = f"{path}: no pictures or films in it ({', '.join(sorted(ENDINGS))}); check the name."
        yield Found(path, error=said)


def _checked(file: Path, under: Path = Path()) -> Found:
    try:
        check_regular(file)
    except UserError as error:
        return Found(file, under, str(error))
    return Found(file, under)
