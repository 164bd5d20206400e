"""What a run must not write over: what it reads, and what lies there and is hardly a result of its own."""

from collections.abc import Collection
from pathlib import Path
from typing import Final

from PIL import Image, JpegImagePlugin

from restereo.errors import UserError

Identity = tuple[int, int]
COMMON: Final = frozenset(["", "_anaglyph", "_left", "_right", "_L", "_R"])
"""Ends of a result's name that cameras and people give their own files, too."""


def identity(file: Path) -> Identity | None:
    """Returns what tells two files apart however their paths are written, or None if there is no such file.

    Example:
        >>> identity(Path("restereo")) == identity(Path("restereo/../restereo"))
        True
    """
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def keep_originals(
    file: Path, source: Path, sources: Collection[Identity | None], named: bool, stem: str | None = None
) -> None:
    """Makes sure that a result written under this name destroys no original.

    Earlier results are written over. Of names that others give, too, a file is taken for an original if it lies beside
    the source and is older, or is a JPEG that was not saved as 4:4:4: what is made of a picture is younger, and 4:4:4.

    Args:
        file: The result to write.
        source: What it is made of.
        sources: All that the run reads.
        named: Whether a person named this very file.
        stem: With which its name begins; by default the source's.

    Raises:
        UserError: It would.
    """
    there = identity(file)
    if there is None:
        return
    if there in sources:
        raise UserError(f"{file}: it would overwrite a picture that is to be read; name another place with -o.")
    if named or file.stem.removeprefix(stem or source.stem) not in COMMON:
        return
    older = file.parent.resolve() == source.parent.resolve() and file.stat().st_mtime < source.stat().st_mtime
    if older or _saved_by_another(file):
        why = f"older than {source.name}" if older else "saved by another program"
        raise UserError(f"{file}: {why}, so it may be an original; move it away, or name another place with -o.")


def _saved_by_another(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            return isinstance(image, JpegImagePlugin.JpegImageFile) and JpegImagePlugin.get_sampling(image) != 0
    except Exception:  # no picture that Pillow knows
        return False
