"""Archives from elsewhere, unpacked safely: every member is judged before the first byte is written.

Refused as a whole: a member that would leave the folder, a link, a device, an encrypted member, two members for
one place, and bombs. What is unpacked goes to paths that the caller names; an archive's own names never become
paths.
"""

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import final

from restereo.datasets._formats import FILE, FOLDER, Entry, Unpacked, format_of, plain
from restereo.errors import UserError

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,  # zipfile's word for a compression that it does not know.
)


@dataclass(frozen=True)
class Limits:
    """Beyond these an archive counts as a bomb.

    Attributes:
        members: How many members it may have.
        size: Bytes that it may unpack to.
        ratio: How many times its own size it may unpack to. Pictures hardly shrink in an archive, flat disparity
            maps up to some fifty times.
        small: Bytes up to which the ratio does not matter.
    """

    members: int = 1_000_000
    size: int = 200 * 2**30
    ratio: float = 100.0
    small: int = 64 * 2**20


@final
class Archive:
    """A zip or tar file, or a folder that stands for one."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self._limits = limits or Limits()
        with _sentences(path):
            self._format = format_of(path)

    @cached_property
    def files(self) -> dict[str, int]:
        """Size of each file by its plain name, in the order stored, once all members have passed the rules.

        Raises:
            UserError: A member breaks a rule, or the archive is damaged.
        """
        packed = None if isinstance(self._format, Unpacked) else self.path.stat().st_size
        with _sentences(self.path):
            return checked(self._format.entries(), self.path, packed, self._limits)

    def unpack(self, targets: Mapping[str, Path], told: Callable[[], None] = lambda: None) -> None:
        """Returns nothing after writing the files named to the paths given; after an error none of them is there.

        Args:
            targets: Plain name -> where it goes; nothing may be there yet.
            told: Called after each file.

        Raises:
            UserError: A member breaks a rule, the archive is damaged, or the disk is too small.
        """
        sizes = {name: self.files[name] for name in targets}
        if not sizes:
            return
        _check_space(self.path, sum(sizes.values()), next(iter(targets.values())))
        made: list[Path] = []
        try:
            with _sentences(self.path):
                for name, stream in self._format.contents(targets.keys()):
                    _make_folders(targets[name].parent, made)
                    with targets[name].open("xb") as out:
                        made.append(targets[name])
                        shutil.copyfileobj(stream, out, 2**20)
                    if targets[name].stat().st_size != sizes[name]:
                        raise EOFError(f"member '{name}' is cut short")
                    told()
        except BaseException:
            for path in reversed(made):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
            raise


def checked(entries: Iterable[Entry], archive: Path, packed: int | None, limits: Limits) -> dict[str, int]:
    """Returns the size of each file by its plain name, unless a member breaks a rule.

    Args:
        entries: What the archive says it holds.
        archive: Its path, for the sentence.
        packed: Its own size in bytes, None where nothing is packed.
        limits: Where a bomb begins.

    Raises:
        UserError: The first member that breaks a rule.

    Example:
        >>> checked([Entry("../x", 1, FILE)], Path("a.zip"), 100, Limits())
        Traceback (most recent call last):
        restereo.errors.UserError: a.zip: member '../x' would leave the folder; nothing was unpacked, get the archive \
again from its official address.
    """
    files: dict[str, int] = {}
    folders: set[str] = set()
    total = 0
    for count, entry in enumerate(entries, start=1):
        total += entry.size
        fault = _fault(entry) or _bomb(count, total, packed, limits)
        name = plain(entry.name)
        if not fault and (name in files or (entry.what == FILE and name in folders)):
            fault = "is there twice"
        if fault:
            raise UserError(_refusal(archive, entry.name, fault))
        if entry.what == FILE:
            files[name] = entry.size
        else:
            folders.add(name)
        folders.update(str(parent) for parent in PurePosixPath(name).parents)
    for name in files:
        if name in folders:
            raise UserError(_refusal(archive, name, "is a file and a folder at once"))
    return files


def _fault(entry: Entry) -> str:
    parts = PurePosixPath(entry.name).parts
    if entry.name.startswith("/") or (parts and parts[0].endswith(":")):
        return "has an absolute path"
    if ".." in parts:
        return "would leave the folder"
    if "\\" in entry.name or any(ord(letter) < 32 for letter in entry.name):
        return "has a backslash or control character in its name"
    if entry.what == FILE and not parts:
        return "has no name"
    return "" if entry.what in {FILE, FOLDER} else f"is {entry.what}"


def _bomb(count: int, total: int, packed: int | None, limits: Limits) -> str:
    if count > limits.members:
        return f"is one of more than {limits.members:,}"
    if total > limits.size:
        return f"brings the unpacked size over {limits.size:,} bytes"
    if packed is not None and total > max(limits.small, limits.ratio * packed):
        return f"brings the unpacked size over {limits.ratio:g} times the archive's {packed:,} bytes"
    return ""


def _refusal(archive: Path, member: str, fault: str) -> str:
    shown = repr(member if len(member) <= 100 else member[:97] + "...")
    return f"{archive}: member {shown} {fault}; nothing was unpacked, get the archive again from its official address."


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    made.extend(reversed(missing))


def _check_space(archive: Path, needed: int, target: Path) -> None:
    there = next(place for place in target.resolve().parents if place.exists())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise UserError(
            f"{archive}: unpacks to {needed / 1e9:.1f} GB, but {there} has {free / 1e9:.1f} GB left; free some space."
        )


@contextmanager
def _sentences(archive: Path) -> Iterator[None]:
    """Turns what the format libraries raise on damaged files into a sentence."""
    try:
        yield
    except _DAMAGED as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"{archive}: damaged or cut short ({reason}); nothing was unpacked, delete it and get it again."
        ) from None
    except OSError as error:
        raise UserError(
            f"{error.filename or archive}: {error.strerror or error}; check the disk and the permissions."
        ) from None
