"""Options that several commands have."""

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restereo.errors import UserError

if TYPE_CHECKING:
    from restereo.video.conversion import VideoOptions
    from restereo.video.writer import VideoCodec

Out = Annotated[
    Path | None, typer.Option("-o", "--out", help="File or folder to write; by default beside each picture.")
]
Model = Annotated[str | None, typer.Option(help="Run folder, or name of released weights or of a run.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 … or mps.")]
Start = Annotated[str, typer.Option(help="Of a film: where to begin, in seconds or [h:]m:s.")]
End = Annotated[str | None, typer.Option(help="Of a film: where to end, likewise.")]
OneFrame = Annotated[bool, typer.Option("--sample", help="Of a film: make one frame, as a picture.")]
Codec = Annotated[str, typer.Option(help="Of a film: h264, hevc or auto.")]
Crf = Annotated[float | None, typer.Option(min=0, max=51, help="Of a film: rate factor, 0 = best.")]
Deinterlace = Annotated[
    bool,
    typer.Option("--deinterlace/--no-deinterlace", help="Of a film: separate interlaced half pictures."),
]
Method = Annotated[
    str, typer.Option("--method", "-m", help="Anaglyph method, such as red-cyan; 'restereo list' names them.")
]
SourceLayout = Annotated[
    str | None, typer.Option("--from", help="How the stereo picture shows them; by default as it says or looks.")
]
Swap = Annotated[bool, typer.Option("--swap", help="Left and right are the other way round in it.")]


OTHER_CODECS = {
    **dict.fromkeys(["h.264", "x264", "libx264", "avc"], "h264"),
    **dict.fromkeys(["h265", "h.265", "x265", "libx265", "hvec"], "hevc"),
}
"""What else people call codecs."""
LONGEST = 40
"""Characters of a time; exponents are none of its, since 1e400 seconds are more than any clock counts."""


def video_options(
    start: str,
    end: str | None,
    sample: bool,
    codec: str,
    crf: float | None,
    force: bool,
    deinterlace: bool = True,
) -> "VideoOptions":
    """Returns what the options of films ask for.

    Raises:
        UserError: A time is none, or there is no such codec: before a film is looked through.

    Example:
        >>> video_options("1:00", None, False, "auto", None, False).time_range.start
        Fraction(60, 1)
    """
    from restereo.video.conversion import VideoOptions
    from restereo.video.reader import TimeRange

    time_range = TimeRange(seconds_of(start), seconds_of(end) if end else None)
    return VideoOptions(time_range, codec_of(codec), crf, force=force, sample=sample, deinterlace=deinterlace)


def codec_of(name: str) -> "VideoCodec | None":
    """Returns the codec of this name, None for `auto`.

    Raises:
        UserError: There is none of this name.
    """
    match name:
        case "auto":
            return None
        case "h264" | "hevc":
            return name
    meant = OTHER_CODECS.get(name.lower())
    fix = f"did you mean {meant}? Write h264, hevc or auto" if meant else "write h264, hevc or auto"
    raise UserError("no such codec", where=f"'{name}'", remedy=fix)


def seconds_of(text: str) -> Fraction:
    """Returns the seconds of a time written as seconds, minutes:seconds or hours:minutes:seconds.

    Raises:
        UserError: It is none of these.

    Example:
        >>> float(seconds_of("1:02:03.5")), float(seconds_of("90"))
        (3723.5, 90.0)
    """
    parts = text.split(":")
    try:
        numbers = [Fraction(part) for part in parts if len(part) <= LONGEST and "e" not in part.lower()]
    except (ValueError, ZeroDivisionError):
        numbers = []
    if not 1 <= len(numbers) == len(parts) <= 3 or min(numbers) < 0 or max(numbers) >= 10**9:
        raise UserError(f"'{text}' is no time", remedy="write seconds, minutes:seconds or hours:minutes:seconds")
    return sum((number * 60**place for place, number in enumerate(reversed(numbers))), Fraction(0))
