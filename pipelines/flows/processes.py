"""Other programs, each in a process group of its own, so that it ends with all its children or not at all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, final

# Runs a command beside a guard that reads from us: when we are gone, even by kill -9, the guard ends the
# group. The shell waits through signals, so that its own exit says that the command has ended.
_GUARDED = """
exec 3<&0 </dev/null
(trap '' INT TERM; read _ <&3; kill -INT 0; sleep 5; kill -TERM 0; sleep 5; kill -KILL 0) >/dev/null 2>&1 &
trap : INT TERM
"$@" 3<&-
exit $?
"""


def start(
    command: Sequence[str], output: int | IO[str], environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    r"""Returns a program that runs in its own process group and ends with this program, however that ends.

    Args:
        command: The program and its arguments.
        output: Where stdout and stderr go: an open file or `subprocess.PIPE`.
        environment: Variables to set on top of ours. The folder of this Python comes first in `PATH`, so that
            `python` in a stage's command is this one in a shell that has not activated it.

    Example:
        >>> process = start(["echo", "hello"], subprocess.PIPE)
        >>> process.communicate()[0], stop(process)
        ('hello\n', 0)
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return subprocess.Popen(
        ["/bin/sh", "-c", _GUARDED, "guarded", *command],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1", **(environment or {})},
        start_new_session=True,
    )


def stop(process: subprocess.Popen[str], patience: float = 5.0) -> int:
    """Returns the exit status of a program, ended with everything it started. May be called twice.

    Ctrl-C comes first, because DVC gives its locks back on it; then SIGTERM, then SIGKILL.

    Args:
        process: What `start` returned.
        patience: Seconds to wait after each of the first two signals.

    Example:
        >>> with start(["sleep", "60"], subprocess.DEVNULL) as process:
        ...     stop(process) == 0
        False
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        if process.poll() is not None:
            break
        _signal(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    _signal(process, signal.SIGKILL)  # the guard, and whatever outlived its parent
    return process.wait()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@final
class ProcessGroup:
    """Programs that several threads start and that end together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[str]] = set()
        self.terminated = False
        """True once `terminate` was called: from then on nothing starts."""

    @contextmanager
    def run(self, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
        """Yields a program whose output is read from its `stdout`; it has ended when the block is left.

        Raises:
            InterruptedError: `terminate` was called.

        Example:
            >>> with ProcessGroup().run(["echo", "hello"]) as process:
            ...     print(process.stdout.read(), end="")
            hello
        """
        with self._lock:
            if self.terminated:
                raise InterruptedError(f"not started, everything is being stopped: {' '.join(command)}")
            process = start(command, subprocess.PIPE)
            self._processes.add(process)
        with process:
            try:
                yield process
            finally:
                stop(process)
                self._processes.discard(process)

    def terminate(self) -> None:
        """Ends every program with all that it started, and lets no other start."""
        with self._lock:
            self.terminated = True
            processes = list(self._processes)
        for process in processes:
            stop(process)
