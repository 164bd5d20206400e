"""A film file of encoded pictures, and of everything else that the original held, copied as it is."""

import contextlib
import errno
import heapq
import os
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from restereo.errors import UserError
from restereo.video.encoder import ENCODERS, Encoded, Look, configure
from restereo.video.reader import Film, fraction, opened, tags
from restereo.video.stereo_box import mark_stereo
from restereo.video.time_range import Span
from restereo.video.tracks import Carried, carry

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
BITEXACT = 0x400
"""AVFMT_FLAG_BITEXACT: no random numbers and no versions in the file, so that the same film is the same bytes."""
OWN_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "stereo_mode"}
"""Tags that describe the old file, not what it shows."""
STEREO_MODES = {
    1: "left_right",
    3: "top_bottom",
    10: "anaglyph_cyan_red",
    11: "right_left",
    12: "anaglyph_green_magenta",
}
"""ffmpeg's words for Matroska's StereoMode; its MP4 writer ignores them (`stereo_box.py`)."""


def ending_for(file: Path) -> str:
    """Returns the ending of a film made of this one: its own if that holds H.264, else Matroska's.

    Example:
        >>> ending_for(Path("a.MP4")), ending_for(Path("a.avi"))
        ('.mp4', '.mkv')
    """
    ending = file.suffix.lower()
    return ending if ending in FORMATS else ".mkv"


def check_ending(out: Path) -> None:
    """Raises `UserError` unless the file can be written as a film.

    Example:
        >>> check_ending(Path("a.avi"))
        Traceback (most recent call last):
        restereo.errors.UserError: a.avi: '.avi' is no film to write; end the name in .m4v, .mkv, .mov, .mp4.
    """
    if out.suffix.lower() not in FORMATS:
        raise UserError(f"{out}: '{out.suffix}' is no film to write; end the name in {', '.join(sorted(FORMATS))}.")
    if not out.parent.is_dir():
        raise UserError(f"{out}: no such folder; make '{out.parent}' first.")


def check_streams(film: Film, out: Path) -> list[str]:
    """Returns notes on what of the original cannot be carried over, such as time codes, or takes another form.

    Raises:
        UserError: Sound or subtitles cannot be held by a file of this ending, or their description is damaged.
    """
    import av

    name = FORMATS[out.suffix.lower()]
    with opened(film.file) as (source, main), av.open(os.devnull, "w", format=name) as trial:
        others = [one for one in source.streams if one.type not in {"audio", "subtitle", "attachment"}]
        left_out = [f"{one.type} stream {one.index}" for one in others if one.index != main.index]
        try:
            copies, notes = _copies(trial, source, main, out)
            if copies:
                trial.start_encoding()
        except (av.error.FFmpegError, ValueError) as error:
            raise UserError(f"{film.file}: its sound or subtitles are damaged ({error}); copy it again.") from None
    return [*([f"not carried over: {', '.join(left_out)}"] if left_out else []), *notes]


def write_film(out: Path, packets: Iterable[Encoded], look: Look, film: Film, span: Span, shift: Fraction) -> None:
    """Writes the film whole or not at all: the packets, and sound, subtitles, chapters, fonts, tags of the original.

    Args:
        out: The file.
        packets: In decoding order, with the times that the new film shows them at.
        look: How they were encoded.
        film: The original.
        span: The part of it that they are.
        shift: Seconds by which the new film's times are less than the original's.
    """
    import av

    temporary = out.with_name(f".{out.name}.tmp")
    name = FORMATS[out.suffix.lower()]
    try:
        with (
            opened(film.file) as (source, main),
            av.open(str(temporary), "w", format=name) as target,
        ):
            target.flags = target.flags | BITEXACT
            picture = _picture_stream(target, look, main)
            copies, _ = _copies(target, source, main, out)
            target.metadata.update({k: v for k, v in tags(source.metadata).items() if k.lower() not in OWN_TAGS})
            _copy_chapters(target, source, span, shift)
            target.start_encoding()
            pictures = _timed(packets, picture, look)
            others = _others(source, copies, span, film, shift)
            for _, packet in heapq.merge(pictures, others, key=lambda timed: timed[0]):
                target.mux(packet)
        if name != "matroska":
            mark_stereo(temporary, look.stereo_mode)
        temporary.replace(out)
    except (av.error.FFmpegError, OSError) as error:
        # what the system says has a positive number; what ffmpeg says of a container has a negative or enormous one
        refused = isinstance(error, OSError) and error.errno in errno.errorcode
        fix = "free space and run the same command again" if refused else "try a name that ends in .mkv"
        raise UserError(f"{out}: could not be written ({error.strerror}); {fix}.") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _picture_stream(target: Any, look: Look, main: Any) -> Any:
    stream = target.add_stream(ENCODERS[look.codec], rate=look.rate)
    configure(stream.codec_context, look)
    stream.time_base = look.time_base
    stream.metadata.update({k: v for k, v in tags(main.metadata).items() if k.lower() not in OWN_TAGS})
    if look.stereo_mode in STEREO_MODES:
        stream.metadata["stereo_mode"] = STEREO_MODES[look.stereo_mode]
    stream.disposition = main.disposition
    return stream


def _copies(target: Any, source: Any, main: Any, out: Path) -> tuple[dict[int, Carried], list[str]]:
    copies, notes = {}, []
    supported = set(target.supported_codecs)
    for stream in source.streams:
        if stream.type in {"audio", "subtitle"} and stream.index != main.index:
            try:
                copy, note = carry(target, stream, supported)
            except UserError as error:
                raise UserError(f"{out}: {error}") from None
            notes += [note] if note else []
            if copy is not None:
                copies[stream.index], made = copy, copy.stream
                made.time_base, made.disposition = stream.time_base, stream.disposition
                made.metadata.update({k: v for k, v in tags(stream.metadata).items() if k.lower() not in OWN_TAGS})
        elif stream.type == "attachment" and target.format.name == "matroska":
            name = tags(stream.metadata).get("filename", f"attachment-{stream.index}")
            target.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
    return copies, notes


def _copy_chapters(target: Any, source: Any, span: Span, shift: Fraction) -> None:
    kept = []
    for chapter in source.chapters():
        base = fraction(chapter["time_base"]) or Fraction(1, 1000)
        ends = [max(Fraction(0), chapter[key] * base - shift) for key in ("start", "end")]
        if ends[1] > 0 and (span.end is None or ends[0] < span.end - span.start):
            start, end = (int(at / base) for at in ends)
            about = {"time_base": base, "metadata": tags(chapter["metadata"])}
            kept.append({**chapter, "start": start, "end": end, **about})
    if kept:
        target.set_chapters(kept)


def _timed(packets: Iterable[Encoded], stream: Any, look: Look) -> Iterator[tuple[Fraction, Any]]:
    import av

    for one in packets:
        packet = av.Packet(one.data)
        packet.stream, packet.time_base = stream, look.time_base
        packet.pts, packet.dts, packet.duration, packet.is_keyframe = one.pts, one.dts, one.duration, one.key
        yield (one.pts if one.dts is None else one.dts) * look.time_base, packet


def _others(
    source: Any, copies: dict[int, Carried], span: Span, film: Film, shift: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """The packets of the other streams within the span, moved with the pictures; times never fall."""
    import av

    if not copies:
        return
    first = None if span.start == 0 else film.begin + span.start
    beyond = None if span.end is None else film.begin + span.end
    reached: Fraction | None = None
    least: dict[int, int] = {}
    with contextlib.suppress(av.error.EOFError):
        for packet in source.demux([source.streams[index] for index in copies]):
            timed = packet.dts is not None or packet.pts is not None
            if packet.size:
                if not timed:
                    continue
                at = (packet.pts if packet.pts is not None else packet.dts) * packet.time_base
                if (first is not None and at < first) or (beyond is not None and at >= beyond):
                    continue
            copy = copies[packet.stream.index]
            for made in copy.turn(packet):
                base = made.time_base
                moved = round(shift / base)
                made.pts = None if made.pts is None else made.pts - moved
                made.dts = None if made.dts is None else made.dts - moved
                made.stream = copy.stream
                _raise(made, least)
                now = (made.dts if made.dts is not None else made.pts) * base
                reached = now if reached is None else max(reached, now)
                yield reached, made


def _raise(packet: Any, least: dict[int, int]) -> None:
    """Makes times that fall, as in films put one behind the other, follow the one before: no file may hold them."""
    if packet.dts is None:
        return
    raised = max(0, least.get(packet.stream.index, packet.dts) - packet.dts)
    packet.dts += raised
    packet.pts = None if packet.pts is None else packet.pts + raised
    least[packet.stream.index] = packet.dts + (packet.stream.type != "subtitle")
