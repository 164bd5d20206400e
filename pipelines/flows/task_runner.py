"""Prefect task runs, each of a program: tried again if its failure may pass by itself, ended with the flow run."""

import os
import re
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Self, final

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed, Failed
from prefect.tasks import exponential_backoff

from pipelines.environment import DVC, RETRYABLE
from pipelines.flows.graph import Graph
from pipelines.flows.processes import ProcessGroup
from restereo.errors import UserError

TAIL = 15
"""How many of a failed program's last lines its state repeats."""
TRANSIENT = "Transient"
"""Name of a failed state that may pass by itself: only these are tried again."""
RETRIES = 3
RETRY_SECONDS = float(os.environ.get("RESTEREO_RETRY_SECONDS", "10"))
"""Seconds before the first retry; each further pause is twice as long."""
CHATTER = {
    "Data and pipelines are up to date.",
    "Use `dvc push` to send your updates to remote storage.",
    "To enable auto staging, run:",
    "dvc config core.autostage true",
}
"""Hints that DVC repeats after every stage."""
_UNCHANGED = re.compile(r"(Stage )?'.+' (didn't change, skipping|is cached - skipping run, checking out outputs)")
_RETRYABLE = re.compile(rf"exited with {RETRYABLE}$|is busy, it is being blocked by")


def run_program(name: str, command: list[str], group: ProcessGroup, retryable: bool) -> State[Any]:
    """Returns the state in which a program ends; `Cached` if DVC had nothing to run.

    What it prints goes to the run's log, line by line.

    Args:
        name: Its name in messages.
        command: The program.
        group: What it is ended with.
        retryable: Whether any failure of it may pass by itself. Without, only exit status 75 and DVC's locks do.
    """
    logger = get_run_logger()
    tail: deque[str] = deque(maxlen=TAIL)
    with group.run(command) as process:
        for line in process.stdout or ():
            text = line.rstrip().rpartition("\r")[2]  # a progress bar rewrites its line: its last state counts
            if text.strip() and text.strip() not in CHATTER:
                logger.info(text)
                tail.append(text)
        status = process.wait()
    if group.terminated:
        return Cancelled(message="Stopped with the flow run.")
    if status:
        passing = retryable or status == RETRYABLE or any(map(_RETRYABLE.search, tail))
        message = "\n".join([f"{name} failed; its last lines say why:", *tail])
        return Failed(name=TRANSIENT if passing else "Failed", message=message)
    if any(map(_UNCHANGED.fullmatch, tail)):
        return Completed(name="Cached", message="Unchanged.")
    return Completed(message="Ran.")


def call(function: Callable[[], str]) -> State[Any]:
    """Returns the state of a function's call: what it returns, or the message of its error."""
    try:
        return Completed(message=function())
    except UserError as error:
        return Failed(name=TRANSIENT if error.passing else "Failed", message=str(error))


def _is_transient(_: Any, __: Any, state: State[Any]) -> bool:
    return state.name == TRANSIENT


@final
class TaskRunner:
    """The task runs of one flow run. When the block is left, nothing that was started lives on."""

    def __init__(self, at_once: int) -> None:
        self._group = ProcessGroup()
        self._slots = threading.BoundedSemaphore(max(1, at_once))
        self._futures: dict[str, PrefectFuture[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._group.terminate()  # a cancelled run, Ctrl-C, an exception: nothing that was started may outlive the flow

    def call(self, name: str, function: Callable[[], str], after: Iterable[str] = ()) -> None:
        """Starts a task run that calls a function in this process."""
        self._submit(name, call, function, after=after)

    def run(self, name: str, command: list[str], *, retryable: bool = False, after: Iterable[str] = ()) -> None:
        """Starts a task run of a program."""
        self._submit(name, run_program, name, command, self._group, retryable, after=after)

    def run_stages(self, wanted: Graph, forced: Collection[str]) -> None:
        """Starts the stages in the order of the graph."""
        for stage, parents in wanted.parents.items():
            force = ["--force"] if stage in forced else []
            self.run(stage, [*DVC, "repro", "--single-item", *force, stage], after=parents)

    def _submit(self, name: str, function: Callable[..., State[Any]], *arguments: Any, after: Iterable[str]) -> None:
        """Starts a task run when its turn comes; a transient failure is tried again, later and later."""
        self._slots.acquire()
        named = task(
            name=name.partition("@")[0],
            task_run_name=name,
            cache_policy=NO_CACHE,
            retries=RETRIES,
            retry_delay_seconds=exponential_backoff(RETRY_SECONDS),
            retry_condition_fn=_is_transient,
        )
        before = [self._futures[one] for one in after]
        self._futures[name] = named(function).submit(*arguments, wait_for=before, return_state=False)
        self._futures[name].add_done_callback(lambda _: self._slots.release())

    def wait(self) -> dict[str, State[Any]]:
        """Returns the states of all task runs, when they have ended."""
        for future in self._futures.values():
            future.wait()
        return {name: future.state for name, future in self._futures.items()}


def final_state(states: Mapping[str, State[Any]], counted: Iterable[str] | None = None) -> State[Any]:
    """Returns how a flow run ends whose task runs ended so.

    Args:
        states: Name of each task run -> its state.
        counted: Those that the message counts; by default all.
    """
    failed = {stage: state for stage, state in states.items() if state.is_final() and not state.is_completed()}
    skipped = [stage for stage, state in states.items() if not state.is_final()]
    if failed:
        reasons = [state.message or "" for state in failed.values()]
        return Failed(message="\n".join([*([f"Not run: {', '.join(skipped)}."] if skipped else []), *reasons]))
    ended = [states[stage] for stage in (states if counted is None else counted) if stage in states]
    cached = sum(state.name == "Cached" for state in ended)
    return Completed(message=f"{len(ended) - cached} ran, {cached} unchanged.")
