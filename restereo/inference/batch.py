"""Many pictures: found, planned before any work is done, recovered side by side, each told of as it ends."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from restereo.errors import UserError
from restereo.inference.files import check_target
from restereo.inference.films.kind import SUFFIXES, is_film
from restereo.inference.films.recovery import FilmResult, check_film_target, film_targets, recover_film
from restereo.inference.naming import is_result, targets
from restereo.inference.opening import ENDINGS, size_in_file
from restereo.inference.predictor import Restorer
from restereo.inference.recover import Result, Wish, recover_file
from restereo.progress import metered

AT_ONCE: Final = 8_000_000
"""Pixels that may be in work at the same time; a larger picture is worked on alone."""


@dataclass(frozen=True)
class Job:
    """A picture and the files that are to become of it."""

    file: Path
    outputs: Sequence[Path]

    def finished(self) -> bool:
        """Returns whether every output is there and no older than the picture: they are only ever written whole."""
        changed = self.file.stat().st_mtime
        return all(file.exists() and file.stat().st_mtime >= changed for file in self.outputs)


@dataclass(frozen=True)
class Outcome:
    """How a job ended: with a result, with the sentence of an error, or with neither because it was finished."""

    job: Job
    result: Result | FilmResult | None = None
    error: str = ""

    @property
    def status(self) -> str:
        """`done`, `failed` or `skipped`."""
        return "done" if self.result else "failed" if self.error else "skipped"

    def facts(self) -> dict[str, object]:
        """Returns what `--json` prints."""
        if self.result:
            return self.result.facts()
        facts: dict[str, object] = {"file": str(self.job.file), "status": self.status}
        return facts | ({"error": self.error} if self.error else {"outputs": [str(file) for file in self.job.outputs]})


def plan(paths: Sequence[Path], wish: Wish, out: Path | None = None, ending: str | None = None) -> list[Job]:
    """Returns a job for each picture or film, named or below a folder named; not hidden ones and earlier results.

    Args:
        paths: Pictures and folders.
        wish: Whose layouts decide what becomes of each.
        out: File for a single picture, or folder, in which those of a folder keep their places; by default each
            picture's own folder.
        ending: Of the outputs, such as `.png`; by default the picture's own.

    Raises:
        UserError: A path does not exist, a folder holds no picture, two pictures would become the same file, or a
            name cannot be written.
    """
    if out is not None and out.suffix and not out.is_dir() and (len(paths) > 1 or paths[0].is_dir()):
        raise UserError(f"{out}: one file cannot hold the results of several pictures; name a folder.")
    jobs, taken = [], dict[Path, Path]()
    for path in paths:
        for file in _pictures(path, out):
            under = file.parent.relative_to(path) if path.is_dir() else Path()
            place = out / under if out is not None and (not out.suffix or out.is_dir()) else out
            names = film_targets(file, wish, place, ending) if is_film(file) else None
            job = Job(file, names or targets(file, wish.layouts, place, ending))
            for output in job.outputs:
                if output in taken:
                    raise UserError(
                        f"{output}: both {taken[output].name} and {file.name} would become it; use --format."
                    )
                taken[output] = file
            jobs.append(job)
    for job in jobs:
        for output in job.outputs:
            if out is not None and output.parent != out.parent:
                output.parent.mkdir(parents=True, exist_ok=True)
            check_film_target(output, wish) if is_film(job.file) else check_target(output)
    return jobs


def _pictures(path: Path, out: Path | None) -> list[Path]:
    if not path.exists():
        raise UserError(f"{path}: no such file; check the name.")
    if not path.is_dir():
        return [path]
    found = []
    for folder, folders, names in os.walk(path):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and (out is None or here / n != out))
        found += [
            here / n for n in sorted(names) if not n.startswith(".") and Path(n).suffix.lower() in ENDINGS | SUFFIXES
        ]
    bare = {file.with_suffix("") for file in found}
    found = [file for file in found if not is_result(file, bare)]
    if not found:
        raise UserError(f"{path}: no pictures or films in it ({', '.join(sorted(ENDINGS))}); check the name.")
    return found


class Room:
    """Lets in work up to a number of pixels; more than that only alone."""

    def __init__(self, pixels: int) -> None:
        self._limit, self._used, self._changed = pixels, 0, threading.Condition()

    @contextmanager
    def for_pixels(self, pixels: int) -> Iterator[None]:
        """Waits until there is room, and takes it for as long as the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._limit)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()


def workers_for(jobs: int, device: torch.device) -> int:
    """Returns how many pictures to work on at once: half the processor's cores, four on a GPU.

    Example:
        >>> workers_for(1, torch.device("cpu"))
        1
    """
    cores = os.cpu_count() or 1
    return max(1, min(jobs, 4 if device.type != "cpu" else cores // 2))


def run(
    jobs: Sequence[Job],
    restorer: Restorer,
    wish: Wish,
    tell: Callable[[Outcome], None],
    *,
    workers: int = 0,
    resume: bool = False,
    skip_errors: bool = False,
) -> list[Outcome]:
    """Returns how every job ended, in the order in which they did; each is told of at once.

    Args:
        jobs: What to do.
        restorer: The network.
        wish: How.
        tell: Called with each outcome, from this thread.
        workers: Pictures worked on at once, 0 = as many as suit the machine.
        resume: Whether to leave finished jobs.
        skip_errors: Whether to go on after an error; otherwise what is in work is ended and the rest left.
    """
    outcomes = [Outcome(job) for job in jobs if resume and job.finished()]
    for outcome in outcomes:
        tell(outcome)
    left = {outcome.job.file for outcome in outcomes}
    films = [job for job in jobs if job.file not in left and is_film(job.file)]
    todo = [job for job in jobs if job.file not in left and job not in films]
    sizes = [(size[0] * size[1] if (size := size_in_file(job.file)) else 0) for job in todo]
    workers = min(workers or workers_for(len(todo), restorer.device), max(1, len(todo)))
    room, stop = Room(AT_ONCE), threading.Event()
    threads = max(1, torch.get_num_threads() // workers)

    def work(job: Job, pixels: int, advance: Callable[[float], None]) -> Outcome | None:
        with room.for_pixels(pixels):
            if stop.is_set():
                return None
            try:
                result = recover_file(job.file, job.outputs, restorer, wish, lambda count: advance(count / 1e6))
            except UserError as error:
                stop.set() if not skip_errors else None
                advance(pixels / 1e6)
                return Outcome(job, error=str(error))
            return Outcome(job, result)

    with (
        metered("recovering", sum(sizes) / 1e6, "Mpx") as advance,
        ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,)) as pool,
    ):
        futures: list[Future[Outcome | None]] = [
            pool.submit(work, job, pixels, advance) for job, pixels in zip(todo, sizes, strict=True)
        ]
        try:
            for future in as_completed(futures):
                ended = future.result()
                if ended is not None:
                    outcomes.append(ended)
                    with advance.cleared():
                        tell(ended)
        except BaseException:
            stop.set()
            raise
    for job in (
        [] if stop.is_set() else films
    ):  # one after the other: a film keeps the machine busy, and has its own bar
        ended = _film(job, restorer, wish)
        outcomes.append(ended)
        tell(ended)
        if ended.error and not skip_errors:
            break
    return outcomes


def _film(job: Job, restorer: Restorer, wish: Wish) -> Outcome:
    try:
        return Outcome(job, recover_film(job.file, job.outputs, restorer, wish))
    except UserError as error:
        return Outcome(job, error=str(error))
