"""From a film to a film, by whatever makes pictures of pictures; a killed run goes on where it was.

The film is made in segments of so many frames, each encoded on its own; a finished segment is kept, with what the maker
of pictures remembers after it. At the end the segments are joined. A run that was never killed takes the same steps, so
the bytes are the same.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from restereo.errors import FORCE, Parameter, UserError
from restereo.image import Picture
from restereo.io.paths import is_film
from restereo.io.write import write_picture
from restereo.progress import shown
from restereo.video.clock import missing
from restereo.video.reader import END, START, WHOLE, Film, Frame, TimeRange, frames
from restereo.video.segments import Segments, State, locked, origin_of, segment_length
from restereo.video.writer import (
    CRF,
    EncoderSettings,
    VideoCodec,
    check_ending,
    check_streams,
    codec_for,
    encode,
    write_film,
)

SAMPLES = 8
"""Frames that a survey keeps at least, where there are as many."""
MOST_MISSING = 0.05
"""Share of its frames that a film may lack and still be taken for whole, with a note."""
Facts = dict[str, Any]
"""What is known of a film; JSON."""


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
        time_range: The part of it.
        codec: None = H.264 where hardware takes pictures of that size, else HEVC.
        crf: Constant rate factor, lower = better and larger; None = the codec's own.
        stereo_mode: Matroska's StereoMode of the result.
        halved: Whether the result's views are squeezed to half where they are joined.
        deinterlace: Whether the fields of frames that are said to be interlaced are separated.
        sample: Whether to recover a single frame, as a picture.
        force: Whether to take a damaged film as far as it can be decoded.
    """

    time_range: TimeRange = WHOLE
    codec: VideoCodec | None = None
    crf: float | None = None
    stereo_mode: int | None = None
    halved: bool = False
    deinterlace: bool = True
    force: bool = False
    sample: bool = False


WHOLE_FILM = VideoOptions()


def check_for_films(options: VideoOptions, files: Sequence[Path]) -> None:
    """Makes sure that what is asked of films is not asked of pictures alone.

    Raises:
        UserError: It is.

    Example:
        >>> check_for_films(VideoOptions(sample=True), [Path("photo.jpg")])
        Traceback (most recent call last):
        restereo.errors.UserError: photo.jpg: a picture; start, end, sample, codec and crf are for films only.
    """
    if replace(options, force=False, deinterlace=True) != WHOLE_FILM and not any(is_film(file) for file in files):
        listing = START, ", ", END, ", ", Parameter("sample"), ", ", Parameter("codec"), " and ", Parameter("crf")
        raise UserError("a picture", where=files[0], remedy=(*listing, " are for films only"))


@dataclass(frozen=True)
class FilmJob:
    """How one film becomes another.

    Attributes:
        options: The part of it, and how it is encoded.
        maker: All that decides the pictures, the code that makes them included; JSON.
        judge: Returns what frames from all over the film say of it, or raises `UserError`.
        build: Returns what makes the pictures, given what `judge` returned.
    """

    options: VideoOptions
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
        KeyboardInterrupt: With a message on what is kept.
    """
    start = time.monotonic()
    film = replace(film, deinterlaced=job.options.deinterlace)
    notes = list(film.notes)
    if film.interlaced:
        done = "its half pictures are separated (bwdif)"
        notes += [f"interlaced: {done if film.deinterlaced else 'both half pictures of a frame are taken for one'}"]
    if job.options.sample:
        picture = one_frame(film, job.options.time_range)
        facts = job.judge([picture])
        write_picture(out, job.build(facts)(picture))
        took = time.monotonic() - start
        count = film.announced or round(film.seconds * film.rate)  # Matroska does not say how many there are
        notes += [f"about {in_words(count * took)} for the {count} frames of the whole film"] if count else []
        return Made(facts, 1, took, notes)
    notes += check_streams(film, out)
    with locked(out):
        segments = Segments(out, origin_of(film, asdict(job.options), job.maker))
        try:
            known = segments.note("survey") or _surveyed(film, job)
            segments.keep_note("survey", known)
            convert(film, out, job.build(known["facts"]), segments, job.options, known["frames"])
        except UserError:
            if not segments.finished():  # there is nothing to go on from
                segments.remove()
            raise
        except KeyboardInterrupt:
            done = min(segments.finished() * segment_length(film), (segments.note("survey") or {"frames": 0})["frames"])
            if not done:
                segments.remove()
            kept = f"; the same command goes on after {done} frames" if done else " before any frames were kept"
            raise KeyboardInterrupt(f"{out}: interrupted{kept}.") from None
    return Made(known["facts"], known["frames"], time.monotonic() - start, [*known["notes"], *notes])


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
    count, samples, notes = survey(film, job.options)
    return {"frames": count, "notes": notes, "facts": job.judge(samples)}


def survey(film: Film, options: VideoOptions = WHOLE_FILM) -> tuple[int, list[Picture], list[str]]:
    """Returns how many frames the wanted part has, some of them, evenly spread, and what there is to know of them.

    All are decoded, so that no surprise comes later.

    Raises:
        UserError: The film is damaged, or empty within the time range.
    """
    kept, every, times = list[Frame](), 1, list[int]()
    damage: list[float] = []
    looked = frames(film, options.time_range, damage)
    for number, frame in enumerate(shown(looked, "Looking through the film", film.announced, "frames")):
        times.append(frame.ticks)
        if number % every == 0:
            kept.append(frame)
            if len(kept) == 2 * SAMPLES:
                kept, every = kept[::2], 2 * every
    if not times:
        raise _no_frame(film)
    lost, at = missing(times, film.end if options.time_range == WHOLE else None)
    first = float(Fraction(at) * film.time_base - film.begin)
    few = lost > MOST_MISSING * (len(times) + lost)
    if (damage or few) and not options.force:
        what = f"damaged or cut short at {damage[0]:.2f} s ({len(damage)} places)" if damage else ""
        what = what or f"damaged: {lost} of {lost + len(times)} frames are missing, the first at {first:.2f} s"
        fix = f"copy it again from its original, or take the {len(times)} frames that can be decoded with "
        raise UserError(what, where=film.file, remedy=(fix, FORCE))
    notes = [f"{lost} of {lost + len(times)} frames are missing, the first at {first:.2f} s"] if lost else []
    return len(times), [frame.image() for frame in kept], notes


def _no_frame(film: Film) -> UserError:
    return UserError("no frame in the part that was asked for", where=film.file, remedy=("check ", START, " and ", END))


def convert(film: Film, out: Path, make: FrameMaker, segments: Segments, options: VideoOptions, total: int) -> None:
    """Writes the film that `make` makes.

    Args:
        film: From `open_film`.
        out: The film to write.
        make: Makes each picture.
        segments: What is finished already; removed at the end.
        options: What to make.
        total: Number of frames, for the time left.

    Raises:
        UserError: The film or a finished segment can no longer be read.
    """
    check_ending(out)
    check_streams(film, out)
    length = segment_length(film)
    shift_ticks = _shift(film, options.time_range)
    done = segments.finished()
    if done:
        make.resume(segments.state(done - 1))
    damage: list[float] = []
    timed = itertools.islice(_timed(film, options.time_range, shift_ticks, damage), done * length, None)
    settings = _known_settings(segments, film, options)
    with closing(shown(timed, "Making the film", total, "frames", min(total, done * length))) as bar:
        for number in itertools.count(done):
            made = ((make(frame()), ticks, duration) for ticks, duration, frame in itertools.islice(bar, length))
            first = next(made, None)
            if first is None:
                _check_whole(film, damage, options)
                break
            if settings is None:
                height, width = first[0].shape[:2]
                segments.keep_note("size", {"width": width, "height": height})
                settings = _known_settings(segments, film, options)
                assert settings is not None
            packets = list(encode(itertools.chain([first], made), settings))
            _check_whole(film, damage, options)
            segments.save(number, packets, make.state())
    assert settings is not None
    shift = shift_ticks * film.time_base
    write_film(out, segments.packets(number), settings, film, options.time_range, shift)
    segments.remove()


def _check_whole(film: Film, damage: list[float], options: VideoOptions) -> None:
    """Raises `UserError` if a film that a survey found whole is not now: frames would be missing, unnoticed."""
    if damage and not options.force:
        what = f"cannot be decoded at {damage[0]:.2f} s, where it could be before"
        raise UserError(what, where=film.file, remedy="see that its drive is there, and run the same command again")


def _known_settings(segments: Segments, film: Film, options: VideoOptions) -> EncoderSettings | None:
    size = segments.note("size")
    if size is None:
        return None
    codec = options.codec or codec_for(**size)
    crf = CRF[codec] if options.crf is None else options.crf
    base = film.time_base, film.rate, film.aspect, film.colour
    return EncoderSettings(codec, crf, size["width"], size["height"], *base, options.stereo_mode, options.halved)


def _shift(film: Film, time_range: TimeRange) -> int:
    """Ticks by which times become less: broadcasts begin at any time of the day, a part begins where it is cut."""
    begin = film.begin if film.container in {"mpegts", "mpeg"} or time_range.start > 0 else Fraction(0)
    return int((begin + time_range.start) / film.time_base)


def _timed(film: Film, time_range: TimeRange, shift: int, damage: list[float]) -> Iterator[tuple[int, int, Any]]:
    """Yields (ticks, duration, picture's maker): a frame lasts until the next one. `frames` fills `damage`."""
    step = max(1, round(1 / film.rate / film.time_base))
    before = None
    for frame in frames(film, time_range, damage):
        if before is not None:
            yield before.ticks - shift, frame.ticks - before.ticks, before.image
        before = frame
    if before is not None:
        yield before.ticks - shift, before.duration or step, before.image


def one_frame(film: Film, time_range: TimeRange) -> Picture:
    """Returns the frame at `time_range.start`, or where there is none the one in the middle of the film.

    Raises:
        UserError: There is no frame there.
    """
    start = time_range.start or Fraction(film.seconds) / 2
    found = next(frames(film, replace(time_range, start=start)), None) or next(frames(film, time_range), None)
    if found is None:
        raise _no_frame(film)
    return found.image()
