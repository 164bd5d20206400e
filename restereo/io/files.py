"""Files written whole or not at all."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from restereo.errors import UserError
from restereo.io.defaults import QUALITY
from restereo.io.encode import WRITABLE, check_ending, encode
from restereo.io.layouts import Layout, Pixels
from restereo.io.metadata import Metadata

NOTHING = Metadata()


def write_picture(file: Path, picture: Pixels, metadata: Metadata = NOTHING, quality: int = QUALITY) -> None:
    """Writes an `(H, W, 3)` RGB picture or `(H, W)` map whole or not at all, in the format of the file's ending.

    Raises:
        UserError: The ending is not one of a picture, the format cannot hold it, or it cannot be written there.
    """
    _write(file, _encoded(file, [picture], metadata, quality))


def write_layout(
    files: Sequence[Path],
    layout: Layout,
    pictures: Sequence[Pixels],
    metadata: Metadata = NOTHING,
    quality: int = QUALITY,
) -> None:
    """Writes the pictures that `layouts.arrange` made into the layout's files: one each, or both in one.

    Nothing is written before all is encoded.

    Raises:
        UserError: See `write_picture`.
    """
    parts = [[picture] for picture in pictures] if len(layout.suffixes) == len(pictures) else [list(pictures)]
    encoded = [_encoded(file, part, metadata, quality) for file, part in zip(files, parts, strict=True)]
    for file, content in zip(files, encoded, strict=True):
        _write(file, content)


def check_target(file: Path, able: Collection[str] = WRITABLE) -> None:
    """Raises `UserError` unless a picture can be written under this name: before any work is done on it.

    Args:
        file: The name.
        able: Endings of files that can hold the picture.
    """
    try:
        check_ending(file.suffix, able)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    check_place(file)


def check_place(file: Path) -> None:
    """Raises `UserError` unless there is a folder for the file, and none of its name: before any work is done on it."""
    try:
        missing, folder = not file.parent.is_dir(), file.is_dir()
    except OSError as error:  # such as a name that is too long
        raise UserError(f"{file}: cannot be written ({error.strerror}); name another place.") from error
    if missing:
        raise UserError(f"{file}: no such folder; make '{file.parent}' first.")
    if folder:
        raise UserError(f"{file}: a folder of this name is in the way; name another file.")


def make_folder(folder: Path) -> None:
    """Makes a folder for results, with those above it.

    Raises:
        UserError: It cannot be made, or nothing can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # a file is in the way, or the place is read-only
        reason = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise UserError(f"{folder}: no folder can be made here ({reason}); name another place with -o.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder}: a folder that cannot be written into; name another place with -o.")


def _encoded(file: Path, pictures: Sequence[Pixels], metadata: Metadata, quality: int) -> bytes:
    try:
        return encode(pictures, file.suffix, metadata, quality)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None


def _write(file: Path, content: bytes) -> None:
    check_target(file)
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(file)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise UserError(f"{file}: cannot be written ({error.strerror}); free space or name another place.") from error
