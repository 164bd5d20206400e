"""Options that several commands have."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from restereo.video.conversion import VideoOptions

Out = Annotated[Path | None, typer.Option("-o", "--out", help="File or folder to write; by default beside the input.")]
Model = Annotated[str | None, typer.Option(help="Run folder, or name of released weights or of a run.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 … or mps.")]
Shown = Annotated[Path, typer.Argument(help="The picture or film.", show_default=False)]
Start = Annotated[str, typer.Option(help="Of a film: where to begin, in seconds or [h:]m:s.")]
End = Annotated[str | None, typer.Option(help="Of a film: where to end, likewise.")]
OneFrame = Annotated[bool, typer.Option("--sample", help="Of a film: make one frame, as a picture.")]
Codec = Annotated[str, typer.Option(help="Of a film: h264, hevc or auto.")]
Crf = Annotated[float | None, typer.Option(min=0, max=51, help="Of a film: rate factor, 0 = best.")]
Method = Annotated[
    str, typer.Option("--method", "-m", help="Anaglyph method, such as red-cyan; 'restereo list' names them.")
]


def film_wanted(
    start: str, end: str | None, sample: bool, codec: str, crf: float | None, force: bool
) -> "VideoOptions":
    """Returns what the options of films ask for.

    Raises:
        UserError: A time is none, or there is no such codec: before a film is looked through.

    Example:
        >>> film_wanted("1:00", None, False, "auto", None, False).span.start
        Fraction(60, 1)
    """
    from restereo.video.conversion import VideoOptions
    from restereo.video.encoder import find_codec
    from restereo.video.time_range import Span, seconds_of

    find_codec(codec, 0, 0)
    span = Span(seconds_of(start), seconds_of(end) if end else None)
    return VideoOptions(span, codec, crf, force=force, sample=sample)
