"""A film's frames as numbered RGB pictures with their times, exactly those that a player shows."""

import contextlib
import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from restereo.errors import Parameter, UserError
from restereo.image import Picture
from restereo.io.read import MAX_PIXELS
from restereo.video.clock import Clock, fraction
from restereo.video.color import Colour, colour_of, losses, to_rgb
from restereo.video.containers import is_cut_short
from restereo.video.interlacing import deinterlaced
from restereo.video.orientation import Orientation, orientation_of, upright

INDEXED = {"mov", "matroska"}
"""Containers whose index makes a search by time exact; in others, packets are counted from the beginning."""

PACKINGS = {1: "side by side", 2: "one above the other", 3: "in turn", 4: "as a checkerboard"}
PACKINGS |= {5: "side by side", 6: "in rows", 7: "in columns"}
"""Of ffmpeg's `AVStereo3DType`."""
MODES = {"left": "side by side", "right": "side by side", "top_bottom": "one above the other"}
MODES |= {"bottom_top": "one above the other", "block_lr": "in turn", "block_rl": "in turn"}
"""Of ffmpeg's words for Matroska's StereoMode, of which `_left` or `_right` is cut off."""
PARSED_LATE = 2
"""How many packets earlier than where packets' numbers jump libavformat says that one is missing."""


@dataclass(frozen=True)
class TimeRange:
    """The part of a film from `start` up to, not including, `end`, in seconds from its beginning; None = its end."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None


WHOLE = TimeRange()
START, END = Parameter("start"), Parameter("end")


@dataclass(frozen=True)
class Film:
    """What a film's file says before its frames are looked at.

    Attributes:
        file: Its path.
        container: Name of its format, such as `mov,mp4,m4a,3gp,3g2,mj2`.
        width: Of an upright picture, in px.
        height: Likewise.
        orientation: How decoded pictures are turned and mirrored to stand upright.
        time_base: Seconds of one tick of the frames' times.
        rate: Mean frames per second.
        aspect: Width of a pixel over its height.
        colour: What the numbers mean.
        interlaced: Whether a frame holds two half pictures of different times.
        deinterlaced: Whether these two are to be separated.
        packing: How it says that it holds both views, such as `side by side`, or None.
        notes: What of it the result cannot keep.
        stereo_mode: Matroska's StereoMode in ffmpeg's words, such as `anaglyph_cyan_red`, or None.
        begin: Seconds at which the film begins by its own clock; a `TimeRange` counts from there.
        lag: Ticks from a frame's showing to the time of the packet after which it is decoded, where the container says
            only when packets are decoded; else None.
        announced: Number of frames that the container claims, 0 = it does not say.
        seconds: Length that the container claims, 0 = it does not say.
        end: Tick at which the pictures end, as the container claims; None = it does not say.
    """

    file: Path
    container: str
    width: int
    height: int
    orientation: Orientation
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    colour: Colour
    interlaced: bool
    deinterlaced: bool
    packing: str | None
    notes: tuple[str, ...]
    stereo_mode: str | None
    begin: Fraction
    lag: int | None
    announced: int
    seconds: float
    end: int | None


@dataclass(frozen=True)
class Frame:
    """One picture of a film.

    Attributes:
        ticks: When it is shown, in ticks of the film's time base.
        duration: For how many ticks, 0 = the file does not say.
        image: Makes the picture, `(H, W, 3)` uint8 RGB, upright: counting frames need not.
    """

    ticks: int
    duration: int
    image: Callable[[], Picture]


@contextlib.contextmanager
def opened(file: Path) -> Iterator[tuple[Any, Any]]:
    """Gives the open `av` container and its main video stream.

    Raises:
        UserError: The file is missing, empty, damaged, or holds no moving picture.
    """
    import av

    if not file.exists():
        raise UserError("no such file", where=file, remedy="check the name")
    if file.is_dir():
        raise UserError("a folder, not a film", where=file, remedy="name a file")
    try:
        # before version 19, tags that are no UTF-8 end in an error unless asked otherwise; after it, see `tags`
        how: Any = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
        container = av.open(str(file), **how)
    except (av.error.FFmpegError, ValueError) as error:
        what = "is empty" if file.stat().st_size == 0 else f"is not a film that can be read ({reason(error)})"
        raise UserError(what, where=file, remedy="copy it again from its original") from None
    with container:
        moving = [s for s in container.streams.video if not s.disposition & _cover() and s.codec_context is not None]
        if not moving:
            raise UserError("holds no moving picture", where=file, remedy="name a film")
        yield container, max(moving, key=lambda s: (s.width or 0) * (s.height or 0))


def tags(metadata: Mapping[str, str]) -> dict[str, str]:
    r"""Returns the tags of a film or stream of `av` as valid text; each byte that is no UTF-8 becomes U+FFFD.

    Since version 19 `av` gives such bytes as lone surrogates, which neither a JSON file nor Matroska may hold.

    Example:
        >>> tags({"title": "caf\udce9"}) == {"title": "caf\ufffd"}
        True
    """
    return {_text(key): _text(value) for key, value in metadata.items()}


def _text(text: str) -> str:
    return text.encode(errors="surrogateescape").decode(errors="replace")


def open_film(file: Path) -> Film:
    """Returns what is known of a film before it is decoded; one frame is.

    Raises:
        UserError: The file is missing, damaged or no film, or its pictures are too large.

    Example:
        >>> open_film(Path("missing.mp4"))
        Traceback (most recent call last):
        restereo.errors.UserError: missing.mp4: no such file; check the name.
    """
    with opened(file) as (container, stream):
        frame, decoded_at = _first(container, stream, file)
        # ffmpeg guesses times of showing in AVI, which holds those of decoding alone
        given = frame.pts is not None and container.format.name != "avi"
        lag = None if given or frame.dts is None or decoded_at is None else int(frame.dts) - decoded_at
        orientation = orientation_of(frame)
        size = (frame.height, frame.width) if orientation.transpose else (frame.width, frame.height)
        aspect = fraction(stream.sample_aspect_ratio) or Fraction(1)
        rate = fraction(stream.average_rate or stream.base_rate or stream.guessed_rate) or Fraction(25)
        return Film(
            file=file,
            container=container.format.name,
            width=size[0],
            height=size[1],
            orientation=orientation,
            time_base=fraction(stream.time_base) or 1 / rate,
            rate=rate,
            aspect=1 / aspect if orientation.transpose else aspect,
            colour=colour_of(frame),
            interlaced=bool(frame.interlaced_frame),
            deinterlaced=False,
            packing=packing_of(frame, tags(stream.metadata).get("stereo_mode", "")),
            notes=tuple(losses(frame)),
            stereo_mode=tags(stream.metadata).get("stereo_mode"),
            begin=Clock.of(container).begin,
            announced=int(stream.frames or 0),
            lag=lag,
            seconds=float(container.duration or 0) / 1_000_000,
            end=_end(stream),
        )


def packing_of(frame: Any, stereo_mode: str = "") -> str | None:
    """Returns how a film says that it holds both views: by its frames' side data, or Matroska's StereoMode."""
    try:
        data = frame.side_data.get("STEREO3D")
    except ValueError:  # a number of the view, which `av` does not know: MV-HEVC
        return "as layers of one stream (MV-HEVC)"
    kind = 0 if data is None else int.from_bytes(bytes(data)[:4], sys.byteorder)
    return PACKINGS.get(kind) or MODES.get(stereo_mode.removesuffix("_left").removesuffix("_right"))


def frames(film: Film, time_range: TimeRange = WHOLE, damage: list[float] | None = None) -> Iterator[Frame]:
    """Yields the frames of a film that can be decoded, their times strictly ascending.

    Frames without a time follow the one before at the mean rate.

    Args:
        film: From `open_film`.
        time_range: The part wanted.
        damage: Filled with the seconds at which something could not be decoded or was missing.

    Raises:
        UserError: The size of the picture changes on the way.
    """
    shown = _shown(film, time_range, [] if damage is None else damage)
    for ticks, one in deinterlaced(shown, film.time_base) if film.deinterlaced else shown:
        yield Frame(ticks, int(one.duration or 0), functools.partial(_upright, one, film))


def _shown(film: Film, time_range: TimeRange, bad: list[float]) -> Iterator[tuple[int, Any]]:
    """The times and frames of `frames`, as they are decoded."""
    step = max(1, round(1 / film.rate / film.time_base))
    first = None if time_range.start == 0 else film.begin + time_range.start
    beyond = None if time_range.end is None else film.begin + time_range.end
    ticks: int | None = None

    def when() -> float:
        return float((ticks or 0) * film.time_base - film.begin)

    with contextlib.ExitStack() as stack:
        container, stream = stack.enter_context(opened(film.file))
        skipped = 0
        if first is not None and not _found(container, stream, first):
            skipped = _last_key(film.file, first)
            container, stream = stack.enter_context(opened(film.file))
        stream.thread_type = "AUTO"
        clock = Clock.of(container)
        count, epoch, doubts = 0, 0, list[tuple[int, float]]()
        for packet in itertools.islice(timed_packets(container, [stream], clock), skipped, None):
            count += packet is not None and packet.size > 0
            if clock.epoch(stream.index) > epoch:  # where films are joined, only the numbers of packets jump
                epoch, doubts = epoch + 1, []
            bad += [at for number, at in doubts if number <= count - PARSED_LATE]
            doubts = [one for one in doubts if one[0] > count - PARSED_LATE]
            if packet is not None and packet.is_corrupt:
                doubts.append((count, when()))
            decoded = _decoded(packet)
            if decoded is None:
                bad.append(when())
            for one in decoded or []:
                given = _time_of(one, film)
                guess = 0 if ticks is None else ticks + step
                given = guess if given is None else given
                ticks = given if ticks is None else max(given, ticks + 1)
                if first is not None and ticks * film.time_base < first:
                    continue
                if beyond is not None and ticks * film.time_base >= beyond:
                    return
                _check_size(one, film, ticks)
                if one.is_corrupt:
                    bad.append(when())
                yield ticks, one
        bad += [at for _, at in doubts]
        missing = first is None and "mp4" in film.container and count < len(stream.index_entries)
        if missing or is_cut_short(film.file):
            bad.append(when())


def _time_of(frame: Any, film: Film) -> int | None:
    """When a frame is shown, in ticks; None if its film does not say."""
    at, lag = (frame.pts, 0) if film.lag is None else (frame.dts, film.lag)
    return None if at is None else int(at) - lag


def timed_packets(container: Any, streams: list[Any], clock: Clock) -> Iterator[Any]:
    """Yields the streams' packets, timed by the clock; None in place of what cannot even be demuxed."""
    import av

    wanted = {stream.index for stream in streams}
    packets = container.demux() if clock.restarts else container.demux(streams)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.error.EOFError, IndexError):  # `av` does not know streams that come up on the way
            return
        except av.error.FFmpegError:
            yield None
            return
        if packet.size:
            clock.set(packet)
        if packet.stream.index in wanted:
            yield packet


def _decoded(packet: Any) -> list[Any] | None:
    """The frames that a packet completes, None if it is damaged."""
    import av

    try:
        return None if packet is None else list(packet.decode())
    except (av.error.FFmpegError, ValueError):
        return None


def _first(container: Any, stream: Any, file: Path) -> tuple[Any, int | None]:
    """The first frame, and the time of decoding of the first packet."""
    size = (stream.width or 0) * (stream.height or 0)
    if size > MAX_PIXELS:
        raise UserError(f"{size:,} pixels a frame, and {MAX_PIXELS:,} is the limit", where=file, remedy="scale it down")
    decoded_at = None
    for packet in timed_packets(container, [stream], Clock.of(container)):
        decoded_at = packet.dts if decoded_at is None and packet is not None else decoded_at
        for frame in _decoded(packet) or []:
            return frame, decoded_at
    raise UserError("no frame of it can be decoded", where=file, remedy="copy it again from its original")


def _end(stream: Any) -> int | None:
    """When a stream ends, in ticks, as AVI and Matroska's tags say it; MP4's index is looked at packet by packet."""
    if stream.container.format.name == "avi":
        return int(stream.duration or 0) or None
    try:
        hours, minutes, seconds = tags(stream.metadata).get("DURATION", "").split(":")
        return int((int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)) / (fraction(stream.time_base) or 0))
    except (ValueError, TypeError, ZeroDivisionError):
        return None


def _found(container: Any, stream: Any, first: Fraction) -> bool:
    """Goes to a key frame at or before a time, if the container has an index and that is right."""
    import av

    if not INDEXED & set(container.format.name.split(",")):
        return False
    target = int(first / stream.time_base)
    try:
        container.seek(target, stream=stream)
        reached = next((p for p in container.demux(stream) if p.size), None)
        if reached is None or not reached.is_keyframe or reached.pts is None or reached.pts > target:
            return False
        container.seek(target, stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _last_key(file: Path, first: Fraction) -> int:
    """Returns how many packets of the film come before the last key frame at or before a time."""
    found = 0
    with opened(file) as (container, stream):
        for number, packet in enumerate(timed_packets(container, [stream], Clock.of(container))):
            if packet is None or (packet.dts is not None and packet.dts * packet.time_base > first):
                break
            at = packet.dts if packet.pts is None else packet.pts
            if packet.is_keyframe and at is not None and at * packet.time_base <= first:
                found = number
    return found


def _check_size(frame: Any, film: Film, ticks: int) -> None:
    size = (film.height, film.width) if film.orientation.transpose else (film.width, film.height)
    if (frame.width, frame.height) != size:
        when = f"{float(ticks * film.time_base - film.begin):.2f} s"
        what = f"its picture changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} at {when}"
        raise UserError(what, where=film.file, remedy=("cut it there with ", START, " and ", END))


def _upright(frame: Any, film: Film) -> Picture:
    return upright(to_rgb(frame, film.colour), film.orientation)


def _cover() -> Any:
    from av.stream import Disposition

    return Disposition.attached_pic


def reason(error: BaseException) -> str:
    """Returns what an error of `av` says, without which of its functions said it."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())
