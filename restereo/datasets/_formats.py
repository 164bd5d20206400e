"""Zip, tar and folder, read alike: what is in it, and the bytes of what is wanted. No rule is checked here."""

import os
import stat
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, final

from restereo.errors import UserError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


class Entry(NamedTuple):
    """What an archive says of one member: its name as stored, its unpacked bytes, what it is, in words."""

    name: str
    size: int
    what: str


FILE, FOLDER = "a file", "a folder"


class Format(ABC):
    """A way to hold files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @abstractmethod
    def entries(self) -> Iterator[Entry]:
        """Yields every member in the order stored, before any of its bytes are read."""

    @abstractmethod
    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yields (name, stream) of the files whose plain names are wanted, in the order stored."""


def plain(name: str) -> str:
    """Returns the name without `./` and doubled slashes, the form in which members are asked for.

    Example:
        >>> plain("./a//b.png")
        'a/b.png'
    """
    return str(PurePosixPath(name))


@final
class Zip(Format):
    """A zip file. Nothing beyond a member's stated size is ever unpacked: zipfile stops there."""

    def entries(self) -> Iterator[Entry]:
        """Yields the central directory."""
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                yield Entry(info.filename, info.file_size, _what_in_zip(info))

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yields what is wanted; zipfile checks each member's CRC at its end."""
        with zipfile.ZipFile(self.path) as archive:
            for info in archive.infolist():
                if plain(info.filename) in wanted and not info.is_dir():
                    with archive.open(info) as stream:
                        yield plain(info.filename), stream


def _what_in_zip(info: zipfile.ZipInfo) -> str:
    if info.is_dir():
        return FOLDER
    if info.flag_bits & 1:
        return "encrypted"
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    # Archivers that know nothing of Unix leave the type empty.
    return FILE if stat.S_IFMT(mode) in {0, stat.S_IFREG} else "a device or pipe"


@final
class Tar(Format):
    """A tar file, compressed or not. It has no list: finding members means reading it to the end."""

    def entries(self) -> Iterator[Entry]:
        """Yields header by header, so that whoever counts can stop before a bomb is unpacked."""
        with tarfile.open(self.path) as archive:
            for info in archive:
                yield Entry(info.name, info.size, _what_in_tar(info))

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yields what is wanted."""
        with tarfile.open(self.path) as archive:
            for info in archive:
                if plain(info.name) in wanted and info.isreg():
                    stream = archive.extractfile(info)
                    assert stream is not None
                    yield plain(info.name), stream


def _what_in_tar(info: tarfile.TarInfo) -> str:
    if info.isreg():
        return FILE
    if info.isdir():
        return FOLDER
    if info.issym():
        return "a symbolic link"
    return "a hard link" if info.islnk() else "a device or pipe"


@final
class Unpacked(Format):
    """A folder that someone unpacked by hand. Linked files are read, linked folders are not entered."""

    def entries(self) -> Iterator[Entry]:
        """Yields its files, sorted."""
        for folder, folders, files in os.walk(self.path):
            folders.sort()
            for file in sorted(Path(folder) / name for name in files):
                yield Entry(file.relative_to(self.path).as_posix(), file.stat().st_size, FILE)

    def contents(self, wanted: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yields what is wanted, sorted."""
        for name in sorted(wanted):
            with (self.path / name).open("rb") as stream:
                yield name, stream


def format_of(path: Path) -> Format:
    """Returns the reader for a file, by its bytes and not its name, or for a folder.

    Raises:
        UserError: It is none of the three.

    Example:
        >>> type(format_of(Path("."))).__name__
        'Unpacked'
    """
    if path.is_dir():
        return Unpacked(path)
    if zipfile.is_zipfile(path):
        return Zip(path)
    if tarfile.is_tarfile(path):
        return Tar(path)
    with path.open("rb") as stream:
        start = stream.read(16)
    raise UserError(
        f"{path}: neither a whole zip nor a tar file (it begins with {start!r}); delete it and get it again, or unpack "
        f"it by hand into the folder {stem(path)}/ beside it."
    )


def stem(path: Path) -> str:
    """Returns the archive's name without its suffix: the name of the folder that may stand for it.

    Example:
        >>> stem(Path("flickr30k-images.tar.gz"))
        'flickr30k-images'
    """
    ends = sorted((s for s in SUFFIXES if path.name.lower().endswith(s)), key=len)
    return path.name[: -len(ends[-1])] if ends else path.stem
