"""What a film copies of its original beside the pictures: sound, subtitles, fonts, chapters; changed where needed."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from restereo.errors import UserError
from restereo.video.clock import Clock, fraction
from restereo.video.reader import Film, TimeRange, tags, timed_packets

OWN_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "stereo_mode"}
"""Tags that describe the old file, not what it shows."""
TS_NONSTRICT = 0x20000
"""AVFMT_TS_NONSTRICT: a container, such as Matroska, in which packets may have equal times."""
Convert = Callable[[Any], Iterable[Any]]
"""Gives the packets to write for one that was read; an empty one says that no more come."""


@dataclass(frozen=True)
class CopiedTrack:
    """A stream of the new film.

    Attributes:
        stream: Of the file that is written.
        convert: Makes its packets of the original's.
    """

    stream: Any
    convert: Convert


def holds(form: str, stream: Any) -> bool:
    """Returns whether a container, such as `matroska`, takes a stream as it is: whether it writes a head of it."""
    import av

    with av.open(os.devnull, "w", format=form) as trial:
        try:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
        except (av.error.FFmpegError, ValueError):
            return False
    return True


def copy_track(target: Any, stream: Any, out: Path) -> tuple[CopiedTrack | None, str]:
    """Returns the new film's stream for this sound or these subtitles, or None, and a note unless it is a plain copy.

    Matroska takes MP4's subtitles as SubRip, and sound that it does not hold as PCM, which loses nothing of PCM from
    discs. Subtitles of which there is no such form are left out.

    Args:
        target: The film to be.
        stream: Of the original.
        out: The new film's file.

    Raises:
        UserError: It cannot be copied.
    """
    codec = None if stream.codec_context is None else stream.codec_context.codec.canonical_name
    kind = "sound" if stream.type == "audio" else "subtitles"
    if codec is None:
        raise UserError(f"{kind} of an unknown type cannot be copied", where=out, remedy="make a copy without")
    if holds(target.format.name, stream):
        return CopiedTrack(target.add_stream_from_template(stream), _same), ""
    if target.format.name != "matroska":
        raise UserError(
            f"{out.suffix} does not hold {kind} of type '{codec}'", where=out, remedy="end the name in .mkv"
        )
    if codec == "mov_text":
        made = CopiedTrack(target.add_mux_stream("subrip"), _subrip)
        return made, "subtitles are written as SubRip, without their fonts"
    if kind == "subtitles":
        return None, f"not copied: subtitles of type '{codec}', stream {stream.index}"
    deep = stream.codec_context.format is not None and stream.codec_context.format.name.startswith("s32")
    name = "pcm_s24le" if deep else "pcm_s16le"
    sound = target.add_stream(name, rate=stream.codec_context.rate, layout=stream.codec_context.layout)
    return CopiedTrack(
        sound, _as_pcm(stream, sound, "s32" if deep else "s16")
    ), f"sound of type '{codec}' became {name}"


def plain_text(sample: bytes) -> bytes:
    r"""Returns the text of a subtitle as MP4 holds it (ISO/IEC 14496-17 5.15), as UTF-8; boxes of style are dropped.

    Example:
        >>> plain_text(b"\x00\x02Hi\x00\x00\x00\x0cstyl\x00\x00\x00\x00")
        b'Hi'
    """
    text = sample[2 : 2 + int.from_bytes(sample[:2], "big")]
    if text[:2] in {b"\xfe\xff", b"\xff\xfe"}:
        text = text.decode("utf-16", errors="replace").encode()
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _same(packet: Any) -> Iterable[Any]:
    return [packet] if packet.size else []


def _subrip(packet: Any) -> Iterable[Any]:
    import av

    text = plain_text(bytes(packet))
    if not text:  # MP4 fills the time between subtitles with empty ones
        return []
    made = av.Packet(text)
    made.time_base, made.pts, made.dts, made.duration = packet.time_base, packet.pts, packet.pts, packet.duration
    return [made]


def _as_pcm(stream: Any, sound: Any, numbers: str) -> Convert:
    import av

    resampler = av.AudioResampler(numbers, stream.codec_context.layout, stream.codec_context.rate)

    def convert(packet: Any) -> Iterable[Any]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:  # players skip a damaged piece of sound too
            return []
        return [made for frame in frames for one in resampler.resample(frame) for made in sound.encode(one)]

    return convert


def copy_tracks(target: Any, source: Any, main: Any, out: Path) -> tuple[dict[int, CopiedTrack], list[str]]:
    """Returns the new film's tracks by the index of the original's stream, and notes on those that are no plain copies.

    Args:
        target: The film to be, which also gets the original's fonts if it is a Matroska file.
        source: The original.
        main: Its stream of pictures, which is left out.
        out: The new film's file.

    Raises:
        UserError: A stream cannot be copied.
    """
    copies, notes = {}, []
    for stream in source.streams:
        if stream.type in {"audio", "subtitle"} and stream.index != main.index:
            copy, note = copy_track(target, stream, out)
            notes += [note] if note else []
            if copy is not None:
                copies[stream.index], made = copy, copy.stream
                made.time_base, made.disposition = stream.time_base, stream.disposition
                made.metadata.update(tags_to_copy(stream))
        elif stream.type == "attachment" and target.format.name == "matroska":
            name = tags(stream.metadata).get("filename", f"attachment-{stream.index}")
            target.add_attachment(name, stream.mimetype or "application/octet-stream", stream.data)
    return copies, notes


def tags_to_copy(source: Any) -> dict[str, str]:
    """Returns the tags of a film or stream of `av` that are true of its copy too."""
    return {key: value for key, value in tags(source.metadata).items() if key.lower() not in OWN_TAGS}


def copy_chapters(target: Any, source: Any, time_range: TimeRange, shift: Fraction) -> None:
    """Gives the new film the chapters of the original that are within the time range, `shift` seconds earlier."""
    kept = []
    for chapter in source.chapters():
        base = fraction(chapter["time_base"]) or Fraction(1, 1000)
        ends = [max(Fraction(0), chapter[key] * base - shift) for key in ("start", "end")]
        if ends[1] > 0 and (time_range.end is None or ends[0] < time_range.end - time_range.start):
            start, end = (int(at / base) for at in ends)
            about = {"time_base": base, "metadata": tags(chapter["metadata"])}
            kept.append({**chapter, "start": start, "end": end, **about})
    if kept:
        target.set_chapters(kept)


def copied_packets(
    source: Any, copies: dict[int, CopiedTrack], time_range: TimeRange, film: Film, shift: Fraction
) -> Iterator[tuple[Fraction, Any]]:
    """Yields seconds and packets of the tracks within the time range, moved with the pictures; times never fall.

    Args:
        source: The original.
        copies: Tracks of the film that is being written, its head included.
        time_range: The part wanted.
        film: The original.
        shift: Seconds by which times become less.
    """
    if not copies:
        return
    first = None if time_range.start == 0 else film.begin + time_range.start
    beyond = None if time_range.end is None else film.begin + time_range.end
    reached: Fraction | None = None
    ends: dict[int, tuple[int, int]] = {}
    for packet in timed_packets(source, [source.streams[index] for index in copies], Clock.of(source)):
        if packet is None:
            return
        if packet.size:
            at = packet.pts * packet.time_base
            if (first is not None and at < first) or (beyond is not None and at >= beyond):
                continue
        copy = copies[packet.stream.index]
        for made in copy.convert(packet):
            _place(made, copy.stream, shift, ends)
            now = made.dts * made.time_base
            reached = now if reached is None else max(reached, now)
            yield reached, made


def _place(packet: Any, stream: Any, shift: Fraction, ends: dict[int, tuple[int, int]]) -> None:
    """Gives a packet its place in the new film, in ticks of its stream there.

    Times that fall, as in films put one behind the other, follow the one before: no file may hold them. Where a packet
    is shorter than a tick, its time equals the one before, if the container may hold that, else it is a tick later.
    """
    base = stream.time_base

    def ticks(at: int | None) -> int | None:
        return None if at is None else round((at * packet.time_base - shift) / base)

    lowest, end = ends.get(stream.index, (None, 0))
    pts, dts = ticks(packet.pts), ticks(packet.dts)
    pts = dts if pts is None else pts
    pts = end if pts is None else pts
    dts = pts if dts is None else dts
    raised = 0 if lowest is None else max(0, lowest - dts)
    packet.duration = round((packet.duration or 0) * packet.time_base / base)
    packet.stream, packet.time_base = stream, base
    packet.pts, packet.dts = pts + raised, dts + raised
    equal = stream.type == "subtitle" or bool(stream.container.format.flags & TS_NONSTRICT)
    ends[stream.index] = packet.dts + (not equal), packet.dts + packet.duration
