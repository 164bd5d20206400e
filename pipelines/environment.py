"""How every program of the pipeline starts: the tools' environment variables, DVC's command line, exit statuses, locks.

Import this module before any of the tools: they read these variables when they are imported.
"""

import errno
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = {
    "DO_NOT_TRACK": "true",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "ITERATIVE_DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    # Threads that wait for each other spin briefly, then sleep: no processor time is burnt on a busy machine, and the
    # bytes are the same. What it costs and gains: `make bench MEASURES=spinning`.
    "GOMP_SPINCOUNT": "10000",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

for _name, _value in ENVIRONMENT.items():
    os.environ.setdefault(_name, _value)

DVC = (sys.executable, "-m", "dvc", "--wait-for-lock")
RETRYABLE = 75
"""Exit status of a failure that may pass by itself (EX_TEMPFAIL of sysexits.h)."""

FULL = ("No space left on device", "database or disk is full")
"""What safetensors and sqlite say instead of raising `OSError`."""
_EXCERPT = re.compile(r"^\s*\d+(\s|$)")  # lines of dvc.yaml that DVC quotes in an error


def run_dvc(*arguments: str) -> tuple[str, str]:
    """Returns what a command of DVC printed, and its error message in one line; empty if it succeeded."""
    done = subprocess.run([*DVC, *arguments], capture_output=True, text=True, check=False)
    if not done.returncode:
        return done.stdout, ""
    lines = [line for line in (done.stderr or done.stdout).splitlines() if not _EXCERPT.match(line)]
    message = " ".join(" ".join(lines).split()).removeprefix("ERROR: ").rstrip(".")
    return done.stdout, message or f"dvc ended with status {done.returncode}"


def run_stage(main: Callable[..., None]) -> None:
    """Runs a stage on the arguments of the command line and exits.

    With status 2 after a `UserError` or if the disk is full, 75 after a `UserError` that may pass by itself, 130 after
    Ctrl-C.
    """
    from restereo.allocator import reuse_memory
    from restereo.errors import UserError

    reuse_memory()
    try:
        inspect.signature(main).bind(*sys.argv[1:])
    except TypeError as error:
        stage = Path(sys.argv[0]).stem
        sys.exit(_print_error(f"error: {stage}: {error}; run it with the key that dvc.yaml gives it.", 2))
    try:
        main(*sys.argv[1:])
    except UserError as error:
        sys.exit(_print_error(f"error: {error}", RETRYABLE if error.passing else 2))
    except KeyboardInterrupt:
        sys.exit(_print_error("interrupted; run the same command again to go on", 130))
    except Exception as error:
        if not is_full(error):
            raise
        again = "free some space and run the same command again; a training goes on from its last checkpoint"
        sys.exit(_print_error(f"error: {Path.cwd()}: the disk is full, or your share of it; {again}.", 2))


def is_full(error: BaseException) -> bool:
    """Returns whether something could not be written for want of space, whichever library says so in its own way.

    Example:
        >>> is_full(OSError(errno.ENOSPC, "No space left on device")), is_full(OSError(errno.EACCES, "Not yours"))
        (True, False)
    """
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    full = any(words in str(error) for words in FULL)
    return full or (error.__cause__ is not None and is_full(error.__cause__))


def _print_error(message: str, status: int) -> int:
    print(message, file=sys.stderr)
    return status


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

    from restereo.errors import UserError

    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(file).acquire(timeout=seconds)
    except Timeout:
        raise UserError(f"{file}: {busy}.", passing=True) from None
    with held:
        yield
