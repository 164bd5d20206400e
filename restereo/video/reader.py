"""A film's frames as numbered RGB pictures with their times, exactly those that a player shows."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from restereo.errors import Parameter, UserError
from restereo.image import Picture
from restereo.io.read import MAX_PIXELS
from restereo.video.color import Colour, colour_of, to_rgb

EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
LEAST_BOX = 8


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
        rotation: Degrees, a multiple of 90, by which decoded pictures are turned anticlockwise to stand upright.
        time_base: Seconds of one tick of the frames' times.
        rate: Mean frames per second.
        aspect: Width of a pixel over its height.
        colour: What the numbers mean.
        interlaced: Whether a frame holds two half pictures of different times.
        stereo_mode: Matroska's StereoMode in ffmpeg's words, such as `anaglyph_cyan_red`, or None.
        begin: Seconds at which the film begins by its own clock; a `TimeRange` counts from there.
        announced: Number of frames that the container claims, 0 = it does not say.
        seconds: Length that the container claims, 0 = it does not say.
    """

    file: Path
    container: str
    width: int
    height: int
    rotation: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    colour: Colour
    interlaced: bool
    stereo_mode: str | None
    begin: Fraction
    announced: int
    seconds: float


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
        what = "is empty" if file.stat().st_size == 0 else f"is not a film that can be read ({_reason(error)})"
        raise UserError(what, where=file, remedy="copy it again from its original") from None
    with container:
        moving = [s for s in container.streams.video if not s.disposition & _cover() and s.codec_context is not None]
        if not moving:
            raise UserError("holds no moving picture", where=file, remedy="name a film")
        yield container, max(moving, key=lambda s: (s.width or 0) * (s.height or 0))


def fraction(value: Any) -> Fraction | None:
    """Returns a rate or time base of `av` as a fraction; None where it is not known.

    Unknown is None in `av` 18 and an `AVRational` that is false, such as 0/1, since 19.

    Example:
        >>> fraction(Fraction(24000, 1001)), fraction(None), fraction(Fraction(0))
        (Fraction(24000, 1001), None, None)
    """
    return Fraction(value.numerator, value.denominator) if value else None


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
        frame = _first(container, stream, file)
        rotation = round(frame.rotation / 90) * 90 % 360
        upright = (frame.width, frame.height) if rotation % 180 == 0 else (frame.height, frame.width)
        aspect = fraction(stream.sample_aspect_ratio) or Fraction(1)
        rate = fraction(stream.average_rate or stream.base_rate or stream.guessed_rate) or Fraction(25)
        begin = Fraction(container.start_time or 0, 1_000_000)
        return Film(
            file=file,
            container=container.format.name,
            width=upright[0],
            height=upright[1],
            rotation=rotation,
            time_base=fraction(stream.time_base) or 1 / rate,
            rate=rate,
            aspect=aspect if rotation % 180 == 0 else 1 / aspect,
            colour=colour_of(frame),
            interlaced=bool(frame.interlaced_frame),
            stereo_mode=tags(stream.metadata).get("stereo_mode"),
            begin=begin,
            announced=int(stream.frames or 0),
            seconds=float(container.duration or 0) / 1_000_000,
        )


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
    bad = [] if damage is None else damage
    step = max(1, round(1 / film.rate / film.time_base))
    first = film.begin + time_range.start
    beyond = None if time_range.end is None else film.begin + time_range.end
    ticks: int | None = None
    with opened(film.file) as (container, stream):
        stream.thread_type = "AUTO"
        if time_range.start > 0:
            _seek(container, stream, film, first)
        count = 0
        for packet in _packets(container, stream):
            count += packet is not None and packet.size > 0
            decoded = _decoded(packet)
            if decoded is None or packet.is_corrupt:
                bad.append(float((ticks or 0) * film.time_base - film.begin))
            for one in decoded or []:
                guess = 0 if ticks is None else ticks + step
                given = guess if one.pts is None else int(one.pts)
                ticks = given if ticks is None else max(given, ticks + 1)
                if ticks * film.time_base < first:
                    continue
                if beyond is not None and ticks * film.time_base >= beyond:
                    return
                _check_size(one, film, ticks)
                if one.is_corrupt:
                    bad.append(float(ticks * film.time_base - film.begin))
                yield Frame(ticks, int(one.duration or 0), functools.partial(_upright, one, film))
        missing = time_range.start == 0 and "mp4" in film.container and count < len(stream.index_entries)
        if missing or is_cut_short(film.file):
            bad.append(float((ticks or 0) * film.time_base - film.begin))


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets; None in place of what cannot even be demuxed."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            yield None
            return


def _decoded(packet: Any) -> list[Any] | None:
    """The frames that a packet completes, None if it is damaged."""
    import av

    try:
        return None if packet is None else list(packet.decode())
    except (av.error.FFmpegError, ValueError):
        return None


def _first(container: Any, stream: Any, file: Path) -> Any:
    size = (stream.width or 0) * (stream.height or 0)
    if size > MAX_PIXELS:
        raise UserError(f"{size:,} pixels a frame, and {MAX_PIXELS:,} is the limit", where=file, remedy="scale it down")
    for packet in _packets(container, stream):
        for frame in _decoded(packet) or []:
            return frame
    raise UserError("no frame of it can be decoded", where=file, remedy="copy it again from its original")


def _seek(container: Any, stream: Any, film: Film, first: Fraction) -> None:
    """Goes to a key frame before the wanted time; where an index is wrong, decoding starts at the beginning."""
    import av

    target = int(first / film.time_base)
    try:
        container.seek(target, stream=stream)
        reached = next((p for p in _packets(container, stream) if p is not None and p.pts is not None), None)
        far = reached is None or reached.pts > target
        container.seek(int(film.begin / film.time_base) if far else target, stream=stream)
    except av.error.FFmpegError:
        container.seek(0)


def _check_size(frame: Any, film: Film, ticks: int) -> None:
    turned = film.rotation % 180 != 0
    size = (film.height, film.width) if turned else (film.width, film.height)
    if (frame.width, frame.height) != size:
        when = f"{float(ticks * film.time_base - film.begin):.2f} s"
        what = f"its picture changes from {size[0]}x{size[1]} to {frame.width}x{frame.height} at {when}"
        raise UserError(what, where=film.file, remedy=("cut it there with ", START, " and ", END))


def _upright(frame: Any, film: Film) -> Picture:
    picture = to_rgb(frame, film.colour)
    return np.ascontiguousarray(np.rot90(picture, film.rotation // 90)) if film.rotation else picture


def _cover() -> Any:
    from av.stream import Disposition

    return Disposition.attached_pic


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())


def is_cut_short(file: Path) -> bool:
    """Returns whether bytes are missing at the end of a Matroska, MP4 or AVI file; of others it cannot be told.

    Raises:
        UserError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as one:
        ...     _ = one.write(b"RIFF" + (100).to_bytes(4, "little") + b"AVI ")
        ...     one.flush()
        ...     is_cut_short(Path(one.name))
        True
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(16)
            stream.seek(0)
            if head.startswith(EBML):
                return _matroska_end(stream) > size
            if head[4:8] == b"ftyp":
                return any(end > size for _, _, end in boxes(stream, 0, size))
    except OSError as error:
        raise UserError(
            f"cannot be read ({error.strerror})", where=file, remedy="check its place and permissions"
        ) from None
    return head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > size


def _matroska_end(stream: BinaryIO) -> int:
    """Returns where the segment ends; 0 if it does not say, as in a live recording."""
    stream.seek(len(EBML))
    header = _number(stream) or 0
    stream.seek(header, 1)
    if stream.read(4) != SEGMENT:
        return 0
    length = _number(stream)
    return 0 if length is None else stream.tell() + length


def _number(stream: BinaryIO) -> int | None:
    """Reads an EBML number (RFC 8794): leading zero bits count its bytes; all ones = unknown."""
    first = stream.read(1)
    count = 8 - first[0].bit_length() if first and first[0] else 0
    rest = stream.read(count)
    value = int.from_bytes(bytes([(first or b"\0")[0] & (0x7F >> count)]) + rest, "big")
    return None if value == (1 << 7 * (count + 1)) - 1 else value


def boxes(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, begin and end of each box (ISO 14496-12) that begins within these bytes of a file."""
    while begin + LEAST_BOX <= end:
        stream.seek(begin)
        length, name = int.from_bytes(stream.read(4), "big"), stream.read(4)
        if length == 1:
            length = int.from_bytes(stream.read(8), "big")
        elif length == 0:
            length = end - begin
        if length < LEAST_BOX:
            return  # no box: a matter for the decoder
        yield name, begin, begin + length
        begin += length
