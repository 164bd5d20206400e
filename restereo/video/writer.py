"""RGB pictures to H.264 or HEVC packets, and these with the original's other tracks to a film's file."""

import errno
import heapq
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from restereo.errors import Parameter, UserError
from restereo.image import Picture
from restereo.io.atomic import replacing
from restereo.video.color import Colour, from_rgb
from restereo.video.marks import BOX_MODES, mark_stereo, state_view_shape, view_shape
from restereo.video.reader import WHOLE, Film, TimeRange, opened, reason
from restereo.video.tracks import copied_packets, copy_chapters, copy_tracks, tags_to_copy

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
BITEXACT = 0x400
"""AVFMT_FLAG_BITEXACT: no random numbers and no versions in the file, so that the same film is the same bytes."""
STEREO_MODES = {
    1: "left_right",
    3: "top_bottom",
    10: "anaglyph_cyan_red",
    11: "right_left",
    12: "anaglyph_green_magenta",
}
"""ffmpeg's words for Matroska's StereoMode; its MP4 writer ignores them; `mark_stereo` does it."""
TRIED = 100
"""Packets of sound and subtitles that are written on trial: some containers find fault only with a packet."""
VideoCodec = Literal["h264", "hevc"]
ENCODERS: dict[VideoCodec, str] = {"h264": "libx264", "hevc": "libx265"}
CRF: dict[VideoCodec, float] = {"h264": 18.0, "hevc": 20.0}
"""Constant rate factors at which the loss is hard to see."""
H264_SIDE = 4096
"""What hardware decoders of H.264 take at most (level 5.2); larger pictures are HEVC unless told otherwise."""
PACKING = {1: 3, 3: 4}
"""Frame packing arrangement of H.264 (ITU-T H.264 D.2.26) by Matroska's StereoMode; x264 has none for right first."""


@dataclass(frozen=True)
class EncoderSettings:
    """What an encoder must know beside the pictures.

    Attributes:
        codec: `h264` or `hevc`.
        crf: Constant rate factor; lower = better and larger.
        width: Of a frame, in px.
        height: Likewise.
        time_base: Seconds of a tick.
        rate: Mean frames per second.
        aspect: Width of a pixel over its height.
        colour: How YUV stands for RGB.
        stereo_mode: Matroska's StereoMode, None = not stereo.
        halved: Whether each view is squeezed to half where the views are joined.
    """

    codec: VideoCodec
    crf: float
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    colour: Colour
    stereo_mode: int | None = None
    halved: bool = False

    @property
    def pixels(self) -> str:
        """The pixel format: 4:2:0, which everything plays; 4:4:4 where a side is odd, which 4:2:0 cannot be."""
        return "yuv420p" if self.width % 2 == self.height % 2 == 0 else "yuv444p"


@dataclass(frozen=True)
class EncodedPacket:
    """One packet; times in ticks. When it is decoded is settled when the film is joined."""

    data: bytes
    pts: int
    dts: int | None
    duration: int
    key: bool


def codec_for(width: int, height: int) -> VideoCodec:
    """Returns H.264 where hardware takes pictures of this size, else HEVC.

    Example:
        >>> codec_for(3840, 1080), codec_for(7680, 2160)
        ('h264', 'hevc')
    """
    return "h264" if max(width, height) <= H264_SIDE else "hevc"


def configure(context: Any, settings: EncoderSettings) -> None:
    """Sets up an encoder, `av`'s codec context, not yet opened; the same settings give the same bytes."""
    from av.codec.context import Flags

    context.width, context.height, context.pix_fmt = settings.width, settings.height, settings.pixels
    context.time_base, context.framerate = settings.time_base, settings.rate
    context.sample_aspect_ratio = settings.aspect
    context.colorspace, context.color_range = settings.colour.matrix, settings.colour.range
    context.color_primaries, context.color_trc = settings.colour.primaries, settings.colour.transfer
    context.flags |= Flags.global_header | Flags.frame_duration | Flags.closed_gop
    context.thread_count = 2  # not the machine's: threads are part of what makes the bytes
    options = {"preset": "medium", "crf": f"{settings.crf:g}"}
    if settings.codec == "h264":
        packing = PACKING.get(settings.stereo_mode or 0)
        # With mbtree, what x264 writes depends on what memory held before (findings/x264-mbtree-memory.sh).
        options["x264-params"] = "stitchable=1:mbtree=0" + (f":frame-packing={packing}" if packing else "")
    else:
        options["x265-params"] = "frame-threads=2:pools=2:log-level=error"
        context.codec_tag = "hvc1"
    context.options = options


def encode(pictures: Iterable[tuple[Picture, int, int]], settings: EncoderSettings) -> Iterator[EncodedPacket]:
    """Yields the packets, in decoding order, of pictures given with their time and duration in ticks.

    Raises:
        UserError: The encoder does not take pictures of this kind.
    """
    import av

    context: Any = av.CodecContext.create(ENCODERS[settings.codec], "w")
    configure(context, settings)
    durations = {}
    try:
        for number, (picture, ticks, duration) in enumerate(pictures):
            frame = from_rgb(picture, settings.pixels, settings.colour)
            frame.pts, frame.time_base, durations[ticks] = ticks, settings.time_base, duration
            if number == 0:
                frame.pict_type = 1
            yield from (_packet(one, durations) for one in context.encode(frame))
        yield from (_packet(one, durations) for one in context.encode(None))
    except av.error.FFmpegError as error:
        what = f"the {settings.codec} encoder refuses {settings.width}x{settings.height} px ({error.strerror})"
        raise UserError(what, remedy=("try another ", Parameter("codec"))) from None


def _packet(packet: Any, durations: dict[int, int]) -> EncodedPacket:
    pts = int(packet.pts)
    return EncodedPacket(bytes(packet), pts, None, durations.pop(pts), bool(packet.is_keyframe))


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
        able = ", ".join(sorted(FORMATS))
        raise UserError(f"'{out.suffix}' is no film to write", where=out, remedy=f"end the name in {able}")
    if not out.parent.is_dir():
        raise UserError("no such folder", where=out, remedy=f"make '{out.parent}' first")


def check_streams(film: Film, out: Path) -> list[str]:
    """Returns notes on what of the original cannot be copied, such as time codes, or takes another form.

    Raises:
        UserError: Sound or subtitles cannot be held by a file of this ending, or their description is damaged.
    """
    import av

    name = FORMATS[out.suffix.lower()]
    with opened(film.file) as (source, main):
        others = [one for one in source.streams if one.type not in {"audio", "subtitle", "attachment"}]
        left_out = [f"{one.type} stream {one.index}" for one in others if one.index != main.index]
        try:
            with av.open(os.devnull, "w", format=name) as trial:
                copies, notes = copy_tracks(trial, source, main, out)
                if copies:
                    trial.start_encoding()
                for _, packet in itertools.islice(copied_packets(source, copies, WHOLE, film, film.begin), TRIED):
                    trial.mux(packet)
        except UserError:
            raise
        except (av.error.FFmpegError, ValueError) as error:
            what = f"{out.suffix} does not take its sound or subtitles as they are ({reason(error)})"
            fix = "copy it again from its original" if name == "matroska" else "end the name in .mkv"
            raise UserError(what, where=film.file, remedy=fix) from None
    return [*([f"not copied: {', '.join(left_out)}"] if left_out else []), *notes]


def write_film(
    out: Path,
    packets: Iterable[EncodedPacket],
    settings: EncoderSettings,
    film: Film,
    time_range: TimeRange,
    shift: Fraction,
) -> None:
    """Writes the film whole or not at all: the packets, and sound, subtitles, chapters, fonts, tags of the original.

    Args:
        out: The file.
        packets: In decoding order, with the times that the new film shows them at.
        settings: How they were encoded.
        film: The original.
        time_range: The part of it that they are.
        shift: Seconds by which the new film's times are less than the original's.
    """
    import av

    name = FORMATS[out.suffix.lower()]
    try:
        with replacing(out) as temporary:
            with opened(film.file) as (source, main), av.open(str(temporary), "w", format=name) as target:
                target.flags = target.flags | BITEXACT
                picture = _picture_stream(target, settings, main)
                copies, _ = copy_tracks(target, source, main, out)
                target.metadata.update(tags_to_copy(source))
                copy_chapters(target, source, time_range, shift)
                target.start_encoding()
                pictures = _timed(packets, picture, settings)
                others = copied_packets(source, copies, time_range, film, shift)
                for _, packet in heapq.merge(pictures, others, key=lambda timed: timed[0]):
                    target.mux(packet)
            mode = settings.stereo_mode
            if mode in BOX_MODES and name == "matroska":
                shape = view_shape(settings.width, settings.height, settings.aspect, mode, settings.halved)
                state_view_shape(temporary, shape)
            elif mode in BOX_MODES:
                mark_stereo(temporary, BOX_MODES[mode])
    except (av.error.FFmpegError, OSError) as error:
        # what the system says has a positive number; what ffmpeg says of a container has a negative or enormous one
        refused = isinstance(error, OSError) and error.errno in errno.errorcode
        fix = "free space and run the same command again" if refused else "try a name that ends in .mkv"
        raise UserError(f"could not be written ({error.strerror})", where=out, remedy=fix) from None


def _picture_stream(target: Any, settings: EncoderSettings, main: Any) -> Any:
    stream = target.add_stream(ENCODERS[settings.codec], rate=settings.rate)
    configure(stream.codec_context, settings)
    stream.time_base = settings.time_base
    stream.metadata.update(tags_to_copy(main))
    if settings.stereo_mode in STEREO_MODES:
        stream.metadata["stereo_mode"] = STEREO_MODES[settings.stereo_mode]
    stream.disposition = main.disposition
    return stream


def _timed(packets: Iterable[EncodedPacket], stream: Any, settings: EncoderSettings) -> Iterator[tuple[Fraction, Any]]:
    import av

    for one in packets:
        packet = av.Packet(one.data)
        packet.stream, packet.time_base = stream, settings.time_base
        packet.pts, packet.dts, packet.duration, packet.is_keyframe = one.pts, one.dts, one.duration, one.key
        yield (one.pts if one.dts is None else one.dts) * settings.time_base, packet
