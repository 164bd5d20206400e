"""How sound and subtitles get into the new film: as they are, or in the nearest form that its container holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from restereo.errors import UserError

Turn = Callable[[Any], Iterable[Any]]
"""Gives the packets to write for one that was read; an empty one says that no more come."""


@dataclass(frozen=True)
class Carried:
    """A stream of the new film.

    Attributes:
        stream: Of the file that is written.
        turn: Makes its packets of the original's.
    """

    stream: Any
    turn: Turn


def carry(target: Any, stream: Any, supported: set[str]) -> tuple[Carried | None, str]:
    """Returns the new film's stream for this sound or these subtitles, or None, and a note unless it is a plain copy.

    Matroska takes MP4's subtitles as SubRip, and sound that it does not hold as PCM, which loses nothing of PCM from
    discs. Subtitles of which there is no such form are left out.

    Args:
        target: The film to be.
        stream: Of the original.
        supported: What the new film's container holds.

    Raises:
        UserError: It cannot be carried over; the sentence begins after the file's name.
    """
    codec = None if stream.codec_context is None else stream.codec_context.codec.canonical_name
    kind = "sound" if stream.type == "audio" else "subtitles"
    if codec is None:
        raise UserError(f"{kind} of an unknown type cannot be copied; make a copy of the film without.")
    if codec in supported:
        return Carried(target.add_stream_from_template(stream), _same), ""
    if target.format.name != "matroska":
        ending = f".{target.format.name}"
        raise UserError(f"{ending} does not hold {kind} of type '{codec}'; end the name in .mkv.")
    if codec == "mov_text":
        return Carried(target.add_mux_stream("subrip"), _subrip), "subtitles are written as SubRip, without their fonts"
    if kind == "subtitles":
        return None, f"not carried over: subtitles of type '{codec}', stream {stream.index}"
    deep = stream.codec_context.format is not None and stream.codec_context.format.name.startswith("s32")
    name = "pcm_s24le" if deep else "pcm_s16le"
    sound = target.add_stream(name, rate=stream.codec_context.rate, layout=stream.codec_context.layout)
    return Carried(sound, _as_pcm(stream, sound, "s32" if deep else "s16")), f"sound of type '{codec}' became {name}"


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


def _as_pcm(stream: Any, sound: Any, numbers: str) -> Turn:
    import av

    resampler = av.AudioResampler(numbers, stream.codec_context.layout, stream.codec_context.rate)

    def turn(packet: Any) -> Iterable[Any]:
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:  # players skip a damaged piece of sound too
            return []
        return [made for frame in frames for one in resampler.resample(frame) for made in sound.encode(one)]

    return turn
