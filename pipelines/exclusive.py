"""One process at a time: what several may want to write is written by one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from restereo.errors import UserError


@contextmanager
def exclusive(file: Path, seconds: float, busy: str) -> Iterator[None]:
    """Holds a lock while the block runs; the lock of a process that was killed is free.

    Args:
        file: The lock. It stays, empty, and means nothing by itself.
        seconds: How long to wait for whoever holds it.
        busy: What is wrong and what to do, if the wait was in vain.

    Raises:
        UserError: Another process has held the lock all this time.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder, exclusive(Path(folder, "lock"), 1.0, "wait"):
        ...     print("alone")
        alone
    """
    from filelock import FileLock, Timeout

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(file).acquire(timeout=seconds)
    except Timeout:
        raise UserError(f"{file}: {busy}.", passing=True) from None
    with held:
        yield
