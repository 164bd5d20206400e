"""sha256 of archives: those that the sources state, and those recorded when a file first came.

The record is `SHA256SUMS` beside the archives, in the format of `sha256sum`, so that `sha256sum -c SHA256SUMS`
checks them too.
"""

import hashlib
from pathlib import Path

from restereo.datasets import Progress, no_progress
from restereo.errors import UserError

RECORD = "SHA256SUMS"
_CHUNK = 2**22


def sha256_of(path: Path, progress: Progress = no_progress) -> str:
    """Returns the sha256 of a file in hexadecimal, `progress` told the bytes read.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.zip"
        >>> file.write_bytes(b"abc")
        3
        >>> sha256_of(file)[:8]
        'ba7816bf'
    """
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            progress(done, total, f"check {path.name}")
    return digest.hexdigest()


def recorded(folder: Path) -> dict[str, str]:
    """Returns the sums recorded in a folder by file name, none if nothing was recorded.

    Raises:
        UserError: A line of the record is not one.

    Example:
        >>> recorded(Path("nowhere"))
        {}
    """
    file = folder / RECORD
    if not file.exists():
        return {}
    sums = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            raise UserError(f"{file}: line {number} is not 'sha256  name'; delete the line, the sum is recorded again.")
        sums[name] = digest
    return sums


def record(folder: Path, name: str, digest: str) -> None:
    """Returns nothing; adds a sum to the folder's record, or replaces it, in one step.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> record(folder, "a.zip", "0" * 64)
        >>> list(recorded(folder))
        ['a.zip']
    """
    sums = {**recorded(folder), name: digest}
    partial = folder / f".{RECORD}.partial"
    partial.write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), encoding="utf-8")
    partial.replace(folder / RECORD)
