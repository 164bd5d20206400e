"""What a film copies of its original beside the pictures: sound, subtitles, fonts, chapters; changed where needed."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from restereo.errors import UserError
from restereo.video.reader import Film, TimeRange, fraction, tags

OWN_TAGS = {"major_brand", "minor_version", "compatible_brands", "encoder", "duration", "stereo_mode"}
"""Tags that describe the old file, not what it shows."""
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


def copy_track(target: Any, stream: Any, supported: set[str], out: Path) -> tuple[CopiedTrack | None, str]:
    """Returns the new film's stream for this sound or these subtitles, or None, and a note unless it is a plain copy.

    Matroska takes MP4's subtitles as SubRip, and sound that it does not hold as PCM, which loses nothing of PCM from
    discs. Subtitles of which there is no such form are left out.

    Args:
        target: The film to be.
        stream: Of the original.
        supported: What the new film's container holds.
        out: The new film's file.

    Raises:
        UserError: It cannot be copied.
    """
    codec = None if stream.codec_context is None else stream.codec_context.codec.canonical_name
    kind = "sound" if stream.type == "audio" else "subtitles"
    if codec is None:
        raise UserError(f"{kind} of an unknown type cannot be copied", where=out, remedy="make a copy without")
    if codec in supported:
        return CopiedTrack(target.add_stream_from_template(stream), _same), ""
    if target.format.name != "matroska":
        ending = f".{target.format.name}"
        raise UserError(f"{ending} does not hold {kind} of type '{codec}'", where=out, remedy="end the name in .mkv")
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
    supported = set(target.supported_codecs)
    for stream in source.streams:
        if stream.type in {"audio", "subtitle"} and stream.index != main.index:
            copy, note = copy_track(target, stream, supported, out)
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
    """Yields seconds and packets of the tracks within the time range, moved with the pictures; times never fall."""
    import av

    if not copies:
        return
    first = None if time_range.start == 0 else film.begin + time_range.start
    beyond = None if time_range.end is None else film.begin + time_range.end
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
            for made in copy.convert(packet):
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
