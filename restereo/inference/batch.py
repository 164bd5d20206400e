"""Many pictures: found, planned before any work is done, recovered side by side, each told of as it ends."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions, Result, recover_file
from restereo.inference.room import Room
from restereo.io.paths import Found, find_sources, identity, is_film, is_folder, keep_originals, place_of, targets
from restereo.io.read import size_in_file
from restereo.io.write import check_target, make_folder
from restereo.progress import metered
from restereo.video.recovery import FilmResult, check_film_target, film_targets, recover_film

AT_ONCE: Final = 8_000_000
"""Pixels that may be in work at the same time; a larger picture is worked on alone."""


@dataclass(frozen=True)
class Job:
    """A picture and the files that are to become of it."""

    file: Path
    outputs: Sequence[Path]
    error: str = ""
    """Why nothing can become of it, in a sentence."""

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


def plan(
    paths: Sequence[Path],
    options: RecoverOptions,
    out: Path | None = None,
    ending: str | None = None,
    *,
    skip_errors: bool = False,
    note: Callable[[str], None] = lambda said: None,
) -> list[Job]:
    """Returns a job for each picture or film, named or below a folder named; see `finding.find_sources`.

    Args:
        paths: Pictures and folders.
        options: Whose layouts decide what becomes of each.
        out: File for a single picture, or folder, in which those of a folder keep their places; by default each
            picture's own folder.
        ending: Of the outputs, such as `.png`; by default the picture's own.
        skip_errors: Whether what cannot be done becomes a job with its error instead of ending it all.
        note: Told of what is left out.

    Raises:
        UserError: A path does not exist, a folder holds no picture, two pictures would become the same file, a result
            would destroy an original, or a name cannot be written.
    """
    sources = find_sources(paths, out, note)
    if out is not None and _is_file_name(out) and (len(sources) > 1 or is_folder(paths[0])):
        raise UserError(f"{out}: one file cannot hold the results of several pictures; name a folder.")
    read = {identity(source.file) for source in sources}
    taken = dict[Path, Path]()
    stem = out.stem if out is not None and _is_file_name(out) else None

    def job_of(source: Found) -> Job:
        if source.error:
            raise source.error
        job = Job(source.file, _outputs(source, options, out, ending, taken))
        for output in job.outputs:
            keep_originals(output, source.file, read, output == out, stem)
            taken[place_of(output)] = source.file
        return job

    def checked(job: Job) -> Job:
        for output in job.outputs:
            if out is not None and output.parent != out.parent:
                make_folder(output.parent)
            check_film_target(output, options) if is_film(job.file) else check_target(output)
        return job

    # All names are known before any folder is made.
    jobs = [_or_error(job_of, source, source.file, skip_errors) for source in sources]
    return [_or_error(checked, job, job.file, skip_errors) for job in jobs]


def _or_error(do: Callable[[Any], Job], what: Any, file: Path, skip_errors: bool) -> Job:
    try:
        return do(what)
    except UserError as error:
        if not skip_errors:
            raise
        return Job(file, (), str(error))


def _is_file_name(out: Path) -> bool:
    return bool(out.suffix) and not is_folder(out)


def _outputs(
    source: Found, options: RecoverOptions, out: Path | None, ending: str | None, taken: Mapping[Path, Path]
) -> list[Path]:
    """The names of the results; if those of a namesake have them, such as a.png's of a.gif, they keep the ending."""
    file = source.file
    place = out if out is None or _is_file_name(out) else out / source.under
    outputs = (film_targets(file, options, place, ending) if is_film(file) else None) or targets(
        file, options.layouts, place, ending
    )
    rivals = [taken[place_of(output)] for output in outputs if place_of(output) in taken]
    if rivals and rivals[0].name != file.name:
        outputs = [one.with_name(file.name + one.name.removeprefix(file.stem)) for one in outputs]
        rivals = [taken[place_of(output)] for output in outputs if place_of(output) in taken]
    if rivals:
        raise UserError(f"{outputs[0]}: both {rivals[0]} and {file} would become it; recover them into two folders.")
    return outputs


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
    options: RecoverOptions,
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
        options: How.
        tell: Called with each outcome, from this thread.
        workers: Pictures worked on at once, 0 = as many as suit the machine.
        resume: Whether to leave finished jobs.
        skip_errors: Whether to go on after an error; otherwise what is in work is ended and the rest left.
    """
    failed = [Outcome(job, error=job.error) for job in jobs if job.error]
    if failed and not skip_errors:
        tell(failed[0])
        return failed[:1]
    outcomes = [*failed, *(Outcome(job) for job in jobs if not job.error and resume and job.finished())]
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
                result = recover_file(job.file, job.outputs, restorer, options, lambda count: advance(count / 1e6))
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
        ended = _film(job, restorer, options)
        outcomes.append(ended)
        tell(ended)
        if ended.error and not skip_errors:
            break
    return outcomes


def _film(job: Job, restorer: Restorer, options: RecoverOptions) -> Outcome:
    try:
        return Outcome(job, recover_film(job.file, job.outputs, restorer, options))
    except UserError as error:
        return Outcome(job, error=str(error))
