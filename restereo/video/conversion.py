"""From a film to a film, by whatever makes pictures of pictures; a killed run goes on where it was.

The film is made in segments of so many frames, each encoded on its own; a finished segment is kept, with what the maker
of pictures remembers after it. At the end the segments are joined. A run that was never killed takes the same steps, so
the bytes are the same.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from restereo.errors import UserError
from restereo.image import Picture
from restereo.io.paths import is_film
from restereo.progress import rated
from restereo.video.encoder import QUALITY, Look, encode, find_codec
from restereo.video.reader import Film, frames
from restereo.video.segments import Parts, State
from restereo.video.time_range import WHOLE, Span
from restereo.video.writer import check_ending, check_streams, write_film

SEGMENT_PIXELS = 48_000_000
"""About what a kill costs at most; the longest segment has 48 frames, the shortest 12."""
SAMPLES = 8
"""Frames that a survey keeps at least, where there are as many."""


class FrameMaker(Protocol):
    """Makes the pictures of a film from those of another, in order; it may remember what came before."""

    def __call__(self, picture: Picture) -> Picture:
        """Returns `(h, w, 3)` uint8 RGB, always of the same size, of the next `(H, W, 3)` uint8 RGB."""

    def state(self) -> State:
        """Returns all that it remembers."""

    def resume(self, state: State) -> None:
        """Makes it remember this, as if it had made the pictures before."""


@dataclass(frozen=True)
class VideoOptions:
    """What to make of a film.

    Attributes:
        span: The part of it.
        codec: `h264`, `hevc` or `auto`.
        quality: Constant rate factor, None = the codec's own.
        stereo_mode: Matroska's StereoMode of the result.
        sample: Whether to recover a single frame, as a picture.
        force: Whether to take a damaged film as far as it can be decoded.
    """

    span: Span = WHOLE
    codec: str = "auto"
    quality: float | None = None
    stereo_mode: int | None = None
    force: bool = False
    sample: bool = False


WHOLE_FILM = VideoOptions()


def check_for_films(wanted: VideoOptions, files: Sequence[Path]) -> None:
    """Makes sure that what is asked of films is not asked of pictures alone.

    Raises:
        UserError: It is.

    Example:
        >>> check_for_films(VideoOptions(sample=True), [Path("photo.jpg")])
        Traceback (most recent call last):
        restereo.errors.UserError: photo.jpg: a picture; --start, --end, --sample, --codec and --crf are for films only.
    """
    if replace(wanted, force=False) != WHOLE_FILM and not any(is_film(file) for file in files):
        raise UserError(f"{files[0]}: a picture; --start, --end, --sample, --codec and --crf are for films only.")


@dataclass(frozen=True)
class Survey:
    """What one look at the whole film found.

    Attributes:
        frames: How many there are.
        samples: Some of them, evenly spread.
    """

    frames: int
    samples: list[Picture]


def survey(film: Film, wanted: VideoOptions = WHOLE_FILM) -> Survey:
    """Returns the number of frames in the wanted part, and samples; decodes them all, so that no surprise comes later.

    Raises:
        UserError: The film is damaged, or empty within the span.
    """
    kept, every, count = [], 1, 0
    damage: list[float] = []
    looked = frames(film, wanted.span, damage)
    for number, frame in enumerate(rated(looked, "Looking through the film", "frames", film.announced or None)):
        count += 1
        if number % every == 0:
            kept.append(frame)
            if len(kept) == 2 * SAMPLES:
                kept, every = kept[::2], 2 * every
    if count == 0:
        raise UserError(f"{film.file}: no frame in the part that was asked for; check --start and --end.")
    if damage and not wanted.force:
        raise UserError(
            f"{film.file}: damaged or cut short at {damage[0]:.2f} s ({len(damage)} places); copy it again from its "
            f"original, or take the {count} frames that can be decoded with --force."
        )
    return Survey(count, [frame.image() for frame in kept])


def convert(film: Film, out: Path, make: FrameMaker, parts: Parts, wanted: VideoOptions, total: int) -> None:
    """Writes the film that `make` makes.

    Args:
        film: From `open_film`.
        out: The film to write.
        make: Makes each picture.
        parts: What is finished already; removed at the end.
        wanted: What to make.
        total: Number of frames, for the time left.

    Raises:
        UserError: The film or a finished segment can no longer be read.
    """
    check_ending(out)
    check_streams(film, out)
    length = segment_length(film)
    shift_ticks = _shift(film, wanted.span)
    done = parts.finished()
    if done:
        make.resume(parts.state(done - 1))
    damage: list[float] = []
    timed = itertools.islice(_timed(film, wanted.span, shift_ticks, damage), done * length, None)
    look = _known_look(parts, film, wanted)
    with closing(rated(timed, "Making the film", "frames", total, min(total, done * length))) as bar:
        for number in itertools.count(done):
            made = ((make(frame()), ticks, duration) for ticks, duration, frame in itertools.islice(bar, length))
            first = next(made, None)
            if first is None:
                _check_whole(film, damage, wanted)
                break
            if look is None:
                height, width = first[0].shape[:2]
                parts.keep_note("size", {"width": width, "height": height})
                look = _known_look(parts, film, wanted)
                assert look is not None
            packets = list(encode(itertools.chain([first], made), look))
            _check_whole(film, damage, wanted)
            parts.save(number, packets, make.state())
    assert look is not None
    write_film(out, parts.packets(number), look, film, wanted.span, shift_ticks * film.time_base)
    parts.remove()


def segment_length(film: Film) -> int:
    """Returns how many frames a segment has: a function of the film alone."""
    return min(48, max(12, round(SEGMENT_PIXELS / (film.width * film.height))))


def _check_whole(film: Film, damage: list[float], wanted: VideoOptions) -> None:
    """Raises `UserError` if a film that a survey found whole is not now: frames would be missing, and nobody told."""
    if damage and not wanted.force:
        raise UserError(
            f"{film.file}: cannot be decoded at {damage[0]:.2f} s, where it could be before; "
            "see that its drive is there, and run the same command again."
        )


def _known_look(parts: Parts, film: Film, wanted: VideoOptions) -> Look | None:
    size = parts.note("size")
    if size is None:
        return None
    codec = find_codec(wanted.codec, **size)
    quality = QUALITY[codec] if wanted.quality is None else wanted.quality
    base = film.time_base, film.rate, film.aspect, film.colour
    return Look(codec, quality, size["width"], size["height"], *base, wanted.stereo_mode)


def _shift(film: Film, span: Span) -> int:
    """Ticks by which times become less: broadcasts begin at any time of the day, a part begins where it is cut."""
    begin = film.begin if film.container in {"mpegts", "mpeg"} or span.start > 0 else Fraction(0)
    return int((begin + span.start) / film.time_base)


def _timed(film: Film, span: Span, shift: int, damage: list[float]) -> Iterator[tuple[int, int, Any]]:
    """Yields (ticks, duration, picture's maker): a frame lasts until the next one. `frames` fills `damage`."""
    step = max(1, round(1 / film.rate / film.time_base))
    before = None
    for frame in frames(film, span, damage):
        if before is not None:
            yield before.ticks - shift, frame.ticks - before.ticks, before.image
        before = frame
    if before is not None:
        yield before.ticks - shift, before.duration or step, before.image


def one_frame(film: Film, span: Span) -> Picture:
    """Returns the frame at `span.start`, or where there is none the one in the middle of the film.

    Raises:
        UserError: There is no frame there.
    """
    start = span.start or Fraction(film.seconds) / 2
    found = next(frames(film, replace(span, start=start)), None) or next(frames(film, span), None)
    if found is None:
        raise UserError(f"{film.file}: no frame in the part that was asked for; check --start and --end.")
    return found.image()
