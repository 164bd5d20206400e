"""Zip files, tar files and folders, read alike and unpacked safely: every member is checked before any is written.

Refused as a whole: a member that would leave the folder, a link, a device, an encrypted member, two members for one
place, and decompression bombs. Members are written to paths that the caller names; their own names never become paths.
"""

import gzip
import io
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, final

from restereo.errors import UserError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

_FILE, _FOLDER, _SPECIAL, _LINK = "a file", "a folder", "a device or pipe", "a symbolic link"
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,  # zipfile, of an unknown compression
)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold before it counts as a decompression bomb.

    Attributes:
        members: How many members.
        size: Bytes that it unpacks to.
        ratio: Times its own size that it unpacks to. Pictures hardly shrink in an archive, flat disparity maps up to
            fifty times.
        small: Bytes up to which the ratio is not checked.
    """

    members: int = 1_000_000
    size: int = 200 * 2**30
    ratio: float = 100.0
    small: int = 64 * 2**20


class _Member(NamedTuple):
    """What an archive says of a member (its name, its unpacked bytes, its type in words), and how to read it."""

    name: str
    size: int
    what: str
    open: Callable[[], IO[bytes] | None]


@final
class Archive:
    """A zip file, a tar file, or a folder that somebody unpacked one to."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self._limits = limits or Limits()

    @cached_property
    def files(self) -> dict[str, int]:
        """Bytes of each file by its name (`a/b.png`), in the order stored.

        Raises:
            UserError: A member breaks a rule, or the archive is damaged.
        """
        packed = None if self.path.is_dir() else self.path.stat().st_size
        files: dict[str, int] = {}
        folders: set[str] = set()
        total = 0
        with _explained(self.path), closing(_members(self.path)) as members:
            for count, member in enumerate(members, start=1):
                name, is_file = _plain(member.name), member.what == _FILE
                total += member.size
                fault = _fault(member) or _bomb(count, total, packed, self._limits)
                if not fault and (name in files or (is_file and name in folders)):
                    fault = "is there twice"
                if fault:
                    raise UserError(_refusal(self.path, member.name, fault))
                if is_file:
                    files[name] = member.size
                else:
                    folders.add(name)
                folders.update(str(parent) for parent in PurePosixPath(name).parents)
        if both := files.keys() & folders:
            raise UserError(_refusal(self.path, min(both), "is a file and a folder at once"))
        return files

    def unpack(self, targets: Mapping[str, Path], on_file: Callable[[], None] = lambda: None) -> None:
        """Writes files of the archive; whoever calls removes what an error leaves of them.

        Args:
            targets: Name in `files` -> where it is written; nothing may be there yet.
            on_file: Called after each file.

        Raises:
            UserError: A member breaks a rule, the archive is damaged, or the disk is too small.
        """
        if not targets:
            return
        check_space(next(iter(targets.values())), sum(self.files[name] for name in targets), str(self.path))
        with _explained(self.path), closing(_members(self.path)) as members:
            for member in members:
                target = targets.get(_plain(member.name))
                if target is None or member.what != _FILE:
                    continue
                target.parent.mkdir(parents=True, exist_ok=True)
                stream = member.open()
                assert stream is not None  # a regular file has one
                with stream, target.open("xb") as out:
                    shutil.copyfileobj(stream, out, 2**20)
                if target.stat().st_size != member.size:
                    raise EOFError(f"member '{member.name}' is cut short")
                on_file()


def check_space(target: Path, size: int, what: str) -> None:
    """Raises `UserError` unless the disk of `target` has room for `size` bytes; `what` is what they come from."""
    there = next(place for place in target.resolve().parents if place.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        raise UserError(
            f"{what}: {size / 1e9:.1f} GB are to be written, but {there} has {free / 1e9:.1f} GB left; free some space."
        )


def stem(name: str) -> str:
    """Returns an archive's name without its suffix: the name of the folder that may stand for it.

    Example:
        >>> stem("flickr30k-images.tar.gz")
        'flickr30k-images'
    """
    ends = sorted((s for s in SUFFIXES if name.lower().endswith(s)), key=len)
    return name[: -len(ends[-1])] if ends else PurePosixPath(name).stem


def _members(path: Path) -> Generator[_Member]:
    """Yields every member in the order stored; what the file is, its bytes tell and not its name."""
    if path.is_dir():
        yield from _in_folder(path)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                yield _Member(info.filename, info.file_size, _what_in_zip(info), partial(archive.open, info))
    elif tarfile.is_tarfile(path):
        # Header by header: a bomb is refused before it is unpacked.
        with tarfile.open(path) as tar:
            for entry in tar:
                yield _Member(entry.name, entry.size, _what_in_tar(entry), partial(tar.extractfile, entry))
    else:
        with path.open("rb") as stream:
            start = stream.read(16)
        raise UserError(
            f"{path}: neither a whole zip nor a tar file (it begins with {start!r}); delete it and get it again, or "
            f"unpack it by hand into the folder {stem(path.name)}/ beside it."
        )


def _in_folder(path: Path) -> Iterator[_Member]:
    """Yields the files, sorted; linked files are read, linked folders are not entered."""
    for folder, folders, files in os.walk(path):
        folders.sort()
        for file in sorted(Path(folder) / name for name in files):
            yield _Member(file.relative_to(path).as_posix(), file.stat().st_size, _FILE, partial(io.FileIO, file))


def _what_in_zip(info: zipfile.ZipInfo) -> str:
    if info.is_dir():
        return _FOLDER
    if info.flag_bits & 1:
        return "encrypted"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return _LINK
    return _FILE if kind in {0, stat.S_IFREG} else _SPECIAL  # 0: an archiver that knows nothing of Unix


def _what_in_tar(info: tarfile.TarInfo) -> str:
    if info.isreg() or info.isdir():
        return _FILE if info.isreg() else _FOLDER
    if info.issym():
        return _LINK
    return "a hard link" if info.islnk() else _SPECIAL


def _plain(name: str) -> str:
    return str(PurePosixPath(name))


def _fault(member: _Member) -> str:
    parts = PurePosixPath(member.name).parts
    if member.name.startswith("/") or (parts and parts[0].endswith(":")):
        return "has an absolute path"
    if ".." in parts:
        return "would leave the folder"
    if "\\" in member.name or any(ord(letter) < 32 for letter in member.name):
        return "has a backslash or control character in its name"
    if member.what == _FILE and not parts:
        return "has no name"
    return "" if member.what in {_FILE, _FOLDER} else f"is {member.what}"


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


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    """Turns what zipfile and tarfile raise on damaged files into a `UserError`."""
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
