"""Many pictures: found, planned before any work is done, recovered side by side, each reported as it ends."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions, recover_file
from restereo.inference.result import Result
from restereo.io.paths import Found, find_sources, identity, is_film, is_folder, keep_originals, place_of, targets
from restereo.io.read import size_in_file
from restereo.io.write import check_target, make_folder
from restereo.progress import ProgressBar
from restereo.video.recovery import check_film_target, film_targets, recover_film

AT_ONCE: Final = 8_000_000
"""Pixels that may be in work at the same time; a larger picture is worked on alone."""


@dataclass(frozen=True)
class Job:
    """A picture and the files that are to become of it."""

    file: Path
    outputs: Sequence[Path]
    error: UserError | None = None
    """Why nothing can become of it."""

    def finished(self) -> bool:
        """Returns whether every output is there and no older than the picture: they are only ever written whole."""
        changed = self.file.stat().st_mtime
        return all(file.exists() and file.stat().st_mtime >= changed for file in self.outputs)


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


def plan(
    paths: Sequence[Path],
    options: RecoverOptions,
    out: Path | None = None,
    ending: str | None = None,
    *,
    skip_errors: bool = False,
    on_note: Callable[[str], None] = lambda message: None,
) -> list[Job]:
    """Returns a job for each picture or film, named or below a folder named; see `finding.find_sources`.

    Args:
        paths: Pictures and folders.
        options: Whose layouts decide what becomes of each.
        out: File for a single picture, or folder, in which those of a folder keep their places; by default each
            picture's own folder.
        ending: Of the outputs, such as `.png`; by default the picture's own.
        skip_errors: Whether what cannot be done becomes a job with its error instead of ending it all.
        on_note: Called with a sentence on what is left out.

    Raises:
        UserError: A path does not exist, a folder holds no picture, two pictures would become the same file, a result
            would destroy an original, or a name cannot be written.
    """
    sources = find_sources(paths, out, on_note)
    if out is not None and _is_file_name(out) and (len(sources) > 1 or is_folder(paths[0])):
        raise UserError("one file cannot hold the results of several pictures", where=out, remedy="name a folder")
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
        return Job(file, (), error)


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
        what = f"both {rivals[0]} and {file} would become it"
        raise UserError(what, where=outputs[0], remedy="recover them into two folders")
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
    on_result: Callable[[Result], None],
    *,
    workers: int = 0,
    resume: bool = False,
    skip_errors: bool = False,
    on_interrupt: Callable[[], None] = lambda: None,
) -> list[Result]:
    """Returns how every job ended, in the order in which they did.

    Args:
        jobs: What to do.
        restorer: The network.
        options: How.
        on_result: Called with each result at once, from this thread.
        workers: Pictures worked on at once, 0 = as many as suit the machine.
        resume: Whether to leave finished jobs.
        skip_errors: Whether to go on after an error; otherwise what is in work is ended and the rest left.
        on_interrupt: Called at once when a person interrupts, before what is in work is ended.
    """
    results: list[Result] = []

    def end(result: Result) -> None:
        results.append(result)
        on_result(result)

    pictures: list[Job] = []
    films: list[Job] = []
    for job in sorted(jobs, key=lambda job: job.error is None):
        if job.error is not None:
            end(_failed(job, job.error))
            if not skip_errors:
                return results
        elif resume and job.finished():
            end(Result(job.file, job.outputs, "skipped"))
        else:
            (films if is_film(job.file) else pictures).append(job)
    sizes = [(size[0] * size[1] if (size := size_in_file(job.file)) else 0) for job in pictures]
    workers = min(workers or workers_for(len(pictures), restorer.device), max(1, len(pictures)))
    room, stop = Room(AT_ONCE), threading.Event()
    threads = max(1, torch.get_num_threads() // workers)

    def work(job: Job, pixels: int, advance: Callable[[float], None]) -> Result | None:
        with room.for_pixels(pixels):
            if stop.is_set():
                return None
            try:
                return recover_file(job.file, job.outputs, restorer, options, lambda count: advance(count / 1e6))
            except UserError as error:
                stop.set() if not skip_errors else None
                advance(pixels / 1e6)
                return _failed(job, error)

    with (
        ProgressBar("recovering", sum(sizes) / 1e6, "Mpx") as advance,
        ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,)) as pool,
    ):
        futures = [pool.submit(work, job, pixels, advance) for job, pixels in zip(pictures, sizes, strict=True)]
        try:
            for future in as_completed(futures):
                if result := future.result():
                    with advance.cleared():
                        end(result)
        except BaseException as error:
            stop.set()
            if isinstance(error, KeyboardInterrupt):
                on_interrupt()
            raise
    for job in [] if stop.is_set() else films:  # one by one: a film keeps the machine busy, and has its own bar
        end(_film(job, restorer, options))
        if results[-1].error and not skip_errors:
            break
    return results


def _film(job: Job, restorer: Restorer, options: RecoverOptions) -> Result:
    try:
        return recover_film(job.file, job.outputs, restorer, options)
    except UserError as error:
        return _failed(job, error)


def _failed(job: Job, error: UserError) -> Result:
    return Result(job.file, job.outputs, "failed", error)
