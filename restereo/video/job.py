"""The work on one film: looked through first, made by one process at a time, taken up where a killed run left it."""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from restereo.errors import UserError
from restereo.image import Picture
from restereo.io.write import write_picture
from restereo.video.conversion import FrameMaker, VideoOptions, convert, one_frame, segment_length, survey
from restereo.video.reader import Film
from restereo.video.segments import Parts
from restereo.video.writer import check_streams

Facts = dict[str, Any]
"""What is known of a film; JSON."""


@dataclass(frozen=True)
class FilmJob:
    """How one film becomes another.

    Attributes:
        wanted: The part of it, and how it is encoded.
        maker: All that decides the pictures, the code that makes them included; JSON.
        judge: Returns what frames from all over the film say of it, or raises `UserError`.
        build: Returns what makes the pictures, told what `judge` returned.
    """

    wanted: VideoOptions
    maker: Mapping[str, Any]
    judge: Callable[[list[Picture]], Facts]
    build: Callable[[Facts], FrameMaker]


@dataclass(frozen=True)
class Made:
    """What became of a film.

    Attributes:
        facts: What `FilmJob.judge` returned.
        frames: How many were made.
        seconds: What this run took.
        notes: What a person may want to know.
    """

    facts: Facts
    frames: int
    seconds: float
    notes: list[str]


def produce(film: Film, out: Path, job: FilmJob) -> Made:
    """Returns what was done after writing the film, or one frame of it if only that is wanted.

    Sound, subtitles, chapters, fonts and times are the original's.

    Raises:
        UserError: The film is damaged or not what `job.judge` takes, or the file cannot hold it.
        KeyboardInterrupt: With a sentence on what is kept.
    """
    start = time.monotonic()
    notes = ["interlaced: both half pictures of a frame are taken for one"] if film.interlaced else []
    if job.wanted.sample:
        picture = one_frame(film, job.wanted.span)
        facts = job.judge([picture])
        write_picture(out, job.build(facts)(picture))
        took = time.monotonic() - start
        count = film.announced or round(film.seconds * film.rate)  # Matroska does not say how many there are
        notes += [f"about {in_words(count * took)} for the {count} frames of the whole film"] if count else []
        return Made(facts, 1, took, notes)
    notes += check_streams(film, out)
    with locked(out):
        parts = Parts(out, origin_of(film, job.wanted, job.maker))
        try:
            known = parts.note("survey") or _surveyed(film, job)
            parts.keep_note("survey", known)
            convert(film, out, job.build(known["facts"]), parts, job.wanted, known["frames"])
        except UserError:
            if not parts.finished():  # there is nothing to go on from
                parts.remove()
            raise
        except KeyboardInterrupt:
            done = min(parts.finished() * segment_length(film), (parts.note("survey") or {"frames": 0})["frames"])
            if not done:
                parts.remove()
            kept = f"; the same command goes on after {done} frames" if done else " before any frames were kept"
            raise KeyboardInterrupt(f"{out}: interrupted{kept}.") from None
    return Made(known["facts"], known["frames"], time.monotonic() - start, notes)


def in_words(seconds: float) -> str:
    """Returns how long something takes, in the unit in which a person would say it.

    Example:
        >>> in_words(40), in_words(600), in_words(9000)
        ('40 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _surveyed(film: Film, job: FilmJob) -> Facts:
    looked = survey(film, job.wanted)
    return {"frames": looked.frames, "facts": job.judge(looked.samples)}


def identity(film: Film, wanted: VideoOptions) -> dict[str, Any]:
    """Returns what tells this job from others: the film's file, size, time and ends, and what is wanted of it."""
    facts = film.file.stat()
    with film.file.open("rb") as stream:
        ends = stream.read(1 << 20)
        stream.seek(max(0, facts.st_size - (1 << 20)))
        ends += stream.read()
    return {
        "file": str(film.file.resolve()),
        "size": facts.st_size,
        "changed": facts.st_mtime_ns,
        "sha256_of_ends": hashlib.sha256(ends).hexdigest(),
        "wanted": {name: str(value) for name, value in asdict(wanted).items()},
    }


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps other processes of this machine from making the same film, for as long as the block runs.

    Raises:
        UserError: Another process makes it.
    """
    name = hashlib.sha256(os.fsencode(out.resolve())).hexdigest()[:16]
    try:
        with FileLock(str(Path(tempfile.gettempdir()) / f"restereo-{name}.lock"), blocking=False):
            yield
    except Timeout:
        raise UserError(f"{out}: another run is making this film; wait for it, or name another file.") from None


def origin_of(film: Film, wanted: VideoOptions, maker: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all that decides the bytes of the film to be made."""
    import av
    import cv2
    import numpy as np
    import torch

    modules = {"av": av, "cv2": cv2, "numpy": np, "torch": torch}
    versions = {name: module.__version__ for name, module in modules.items()}
    return {**identity(film, wanted), "maker": dict(maker), "segment": segment_length(film), **versions}
