"""Files and folders that are there whole or not at all: the one place that knows how."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path, *, durable: bool = False) -> Iterator[Path]:
    """Yields a name beside the path for a file or folder to be made, which takes its place at the end of the block.

    After an error, nothing of it stays, and what was at the path is as it was.

    Args:
        path: The file or folder. A folder takes the place of an empty one only.
        durable: Whether a file is on the disk, not only with the operating system, before it takes the place.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.txt"
        >>> with replacing(file) as temporary:
        ...     _ = temporary.write_text("whole", encoding="utf-8")
        >>> file.read_text(encoding="utf-8"), [one.name for one in file.parent.iterdir()]
        ('whole', ['a.txt'])
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # other processes may be making the same file
    try:
        yield temporary
        if durable:
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        _remove(temporary)
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:  # such as a name that is too long: then there is no such file
        return
