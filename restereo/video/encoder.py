"""RGB pictures to H.264 or HEVC packets, a segment at a time: each is made, made again and decoded on its own."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from restereo.errors import UserError
from restereo.image import Picture
from restereo.video.color import Colour, from_rgb

Codec = Literal["h264", "hevc"]
ENCODERS: dict[Codec, str] = {"h264": "libx264", "hevc": "libx265"}
QUALITY: dict[Codec, float] = {"h264": 18.0, "hevc": 20.0}
"""Constant rate factors at which the loss is hard to see."""
OTHER_NAMES: dict[str, Codec] = {
    **dict.fromkeys(["h.264", "x264", "libx264", "avc", "h264"], "h264"),
    **dict.fromkeys(["h265", "h.265", "x265", "libx265", "hvec", "hevc"], "hevc"),
}
"""What else people call them."""
H264_SIDE = 4096
"""What hardware decoders of H.264 take at most (level 5.2); larger pictures are HEVC unless told otherwise."""
PACKING = {1: 3, 3: 4}
"""Frame packing arrangement of H.264 (ITU-T H.264 D.2.26) by Matroska's StereoMode; x264 has none for right first."""


@dataclass(frozen=True)
class Look:
    """What an encoder must know beside the pictures.

    Attributes:
        codec: `h264` or `hevc`.
        quality: Constant rate factor; lower = better and larger.
        width: Of a frame, in px.
        height: Likewise.
        time_base: Seconds of a tick.
        rate: Mean frames per second.
        aspect: Width of a pixel over its height.
        colour: How YUV stands for RGB.
        stereo_mode: Matroska's StereoMode, None = not stereo.
    """

    codec: Codec
    quality: float
    width: int
    height: int
    time_base: Fraction
    rate: Fraction
    aspect: Fraction
    colour: Colour
    stereo_mode: int | None = None

    @property
    def pixels(self) -> str:
        """The pixel format: 4:2:0, which everything plays; 4:4:4 where a side is odd, which 4:2:0 cannot be."""
        return "yuv420p" if self.width % 2 == self.height % 2 == 0 else "yuv444p"


@dataclass(frozen=True)
class Encoded:
    """One packet; times in ticks. When it is decoded is settled when the film is joined."""

    data: bytes
    pts: int
    dts: int | None
    duration: int
    key: bool


def find_codec(name: str, width: int, height: int) -> Codec:
    """Returns the codec of this name; `auto` is H.264 where hardware takes it, else HEVC.

    Raises:
        UserError: There is none of this name.

    Example:
        >>> find_codec("auto", 3840, 1080), find_codec("auto", 7680, 2160)
        ('h264', 'hevc')
    """
    if name == "auto":
        return "h264" if max(width, height) <= H264_SIDE else "hevc"
    if name in ENCODERS:
        return name
    meant = OTHER_NAMES.get(name.lower())
    raise UserError(f"'{name}': no such codec; {f'did you mean {meant}? W' if meant else 'w'}rite h264, hevc or auto.")


def configure(context: Any, look: Look) -> None:
    """Sets up an encoder, `av`'s codec context, not yet opened; the same settings give the same bytes."""
    from av.codec.context import Flags

    context.width, context.height, context.pix_fmt = look.width, look.height, look.pixels
    context.time_base, context.framerate = look.time_base, look.rate
    context.sample_aspect_ratio = look.aspect
    context.colorspace, context.color_range = look.colour.matrix, look.colour.range
    context.color_primaries, context.color_trc = look.colour.primaries, look.colour.transfer
    context.flags |= Flags.global_header | Flags.frame_duration | Flags.closed_gop
    context.thread_count = 2  # not the machine's: threads are part of what makes the bytes
    options = {"preset": "medium", "crf": f"{look.quality:g}"}
    if look.codec == "h264":
        packing = PACKING.get(look.stereo_mode or 0)
        options["x264-params"] = "stitchable=1" + (f":frame-packing={packing}" if packing else "")
    else:
        options["x265-params"] = "frame-threads=2:pools=2:log-level=error"
        context.codec_tag = "hvc1"
    context.options = options


def encode(pictures: Iterable[tuple[Picture, int, int]], look: Look) -> Iterator[Encoded]:
    """Yields the packets, in decoding order, of pictures given with their time and duration in ticks.

    Raises:
        UserError: The encoder does not take pictures of this kind.
    """
    import av

    context: Any = av.CodecContext.create(ENCODERS[look.codec], "w")
    configure(context, look)
    durations = {}
    try:
        for number, (picture, ticks, duration) in enumerate(pictures):
            frame = from_rgb(picture, look.pixels, look.colour)
            frame.pts, frame.time_base, durations[ticks] = ticks, look.time_base, duration
            if number == 0:
                frame.pict_type = 1
            yield from (_packet(one, durations) for one in context.encode(frame))
        yield from (_packet(one, durations) for one in context.encode(None))
    except av.error.FFmpegError as error:
        size = f"{look.width}x{look.height}"
        raise UserError(
            f"the {look.codec} encoder refuses {size} px ({error.strerror}); try another --codec."
        ) from None


def _packet(packet: Any, durations: dict[int, int]) -> Encoded:
    pts = int(packet.pts)
    return Encoded(bytes(packet), pts, None, durations.pop(pts), bool(packet.is_keyframe))
