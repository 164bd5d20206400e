"""Task runs of Prefect: a stage or a program each, tried again if its failure may pass, ended with the flow run.

With `flows.py` the only file that imports prefect.
"""

import os
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

from pipelines import graph, processes
from pipelines.quiet import PASSING
from restereo.errors import UserError

TAIL = 15
"""How many of a failed stage's last lines its state repeats."""
TRANSIENT = "Transient"
"""Name of a failed state that may pass by itself: only these are tried again."""
RETRIES = 3
PAUSE = float(os.environ.get("RESTEREO_RETRY_SECONDS", "10"))
"""Seconds before the first retry; each further pause is twice as long."""
CHATTER = {
    "Data and pipelines are up to date.",
    "Use `dvc push` to send your updates to remote storage.",
    "To enable auto staging, run:",
    "dvc config core.autostage true",
}
"""Hints that DVC repeats after every stage."""


def untouched(stage: str, line: str) -> bool:
    """Returns whether DVC says with this line that it did not run the stage.

    Example:
        >>> untouched("validate", "Stage 'validate' didn't change, skipping")
        True
        >>> untouched("validate", "Stage 'validate' is cached - skipping run, checking out outputs")
        True
        >>> untouched("validate", "Running stage 'validate':")
        False
    """
    said = line.removeprefix("Stage ").removeprefix(f"'{stage}' ")
    return said in ("didn't change, skipping", "is cached - skipping run, checking out outputs")


def may_pass(line: str) -> bool:
    """Returns whether DVC says with this line that it failed for a reason that may pass by itself.

    Example:
        >>> may_pass("ERROR: failed to reproduce 'train': failed to run: python -m pipelines.train, exited with 75")
        True
        >>> may_pass("ERROR: failed to reproduce 'train': failed to run: python -m pipelines.train, exited with 2")
        False
    """
    return line.endswith(f"exited with {PASSING}") or "is busy, it is being blocked by" in line


def follow(
    what: str, command: list[str], crew: processes.Crew, hopeful: bool = False
) -> tuple[list[str], State[Any] | None]:
    """Returns what a program printed last, and the state to end in unless it succeeded.

    What it prints goes to the run's log, line by line.

    Args:
        what: Its name in messages.
        command: The program.
        crew: What it belongs to.
        hopeful: Whether any failure of it may pass by itself.
    """
    logger = get_run_logger()
    tail: deque[str] = deque(maxlen=TAIL)
    with crew.member(command) as process:
        for line in process.stdout or ():
            said = line.rstrip().rpartition("\r")[2]  # a progress bar rewrites its line: its last state counts
            if said.strip() and said.strip() not in CHATTER:
                logger.info(said)
                tail.append(said)
        status = process.wait()
    if crew.dismissed:
        return [*tail], Cancelled(message="Stopped with the flow run.")
    if not status:
        return [*tail], None
    passes = hopeful or status == PASSING or any(map(may_pass, tail))
    message = "\n".join([f"{what} failed; its last lines say why:", *tail])
    return [*tail], Failed(name=TRANSIENT if passes else "Failed", message=message)


def run_stage(stage: str, force: bool, crew: processes.Crew) -> State[Any]:
    """Returns the state in which a stage ends, after DVC has run it or found nothing to do.

    `Cached`: its outputs are those of an earlier run.
    """
    command = [*graph.DVC, "repro", "--single-item", *(["--force"] if force else []), stage]
    tail, failed = follow(stage, command, crew)
    if failed:
        return failed
    cached = any(untouched(stage, line) for line in tail)
    return Completed(name="Cached", message="Unchanged.") if cached else Completed(message="Ran.")


def run_program(what: str, command: list[str], crew: processes.Crew, hopeful: bool = False) -> State[Any]:
    """Returns the state in which a program ends that is no stage."""
    return follow(what, command, crew, hopeful)[1] or Completed(message="Ran.")


def attempt(what: Callable[[], str]) -> State[Any]:
    """Returns the state of something done here: what it says, or the sentence of its error."""
    try:
        return Completed(message=what())
    except UserError as error:
        return Failed(name=TRANSIENT if error.passing else "Failed", message=str(error))


def _passes(_: Any, __: Any, state: State[Any]) -> bool:
    return state.name == TRANSIENT


@final
class Errands:
    """The task runs of one flow run. When the block is left, nothing that was started lives on.

    Attributes:
        crew: The programs that run.
    """

    def __init__(self, at_once: int) -> None:
        self.crew = processes.Crew()
        self._slots = threading.BoundedSemaphore(max(1, at_once))
        self._futures: dict[str, PrefectFuture[Any]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.crew.dismiss()  # a cancelled run, Ctrl-C, an exception: nothing that was started may outlive the flow

    def submit(
        self, name: str, function: Callable[..., State[Any]], *arguments: Any, after: Iterable[str] = ()
    ) -> None:
        """Starts a task run when its turn comes; a transient failure is tried again, later and later."""
        self._slots.acquire()
        named = task(
            name=name.partition("@")[0],
            task_run_name=name,
            cache_policy=NO_CACHE,
            retries=RETRIES,
            retry_delay_seconds=exponential_backoff(PAUSE),
            retry_condition_fn=_passes,
        )
        before = [self._futures[one] for one in after]
        self._futures[name] = named(function).submit(*arguments, wait_for=before, return_state=False)
        self._futures[name].add_done_callback(lambda _: self._slots.release())

    def stages(self, wanted: graph.Graph, forced: Collection[str]) -> None:
        """Starts the stages in the order of the graph."""
        for stage, parents in wanted.parents.items():
            self.submit(stage, run_stage, stage, stage in forced, self.crew, after=parents)

    def wait(self) -> dict[str, State[Any]]:
        """Returns the states of all task runs, when they have ended."""
        for future in self._futures.values():
            future.wait()
        return {name: future.state for name, future in self._futures.items()}


def verdict_of(states: Mapping[str, State[Any]], counted: Iterable[str] | None = None) -> State[Any]:
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
