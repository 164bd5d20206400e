"""`restereo anaglyph` and `restereo convert`: two views, or a stereo picture, in any layout."""

from pathlib import Path
from typing import Annotated

import typer

from restereo.cli.options import Method, SourceLayout, Swap
from restereo.errors import UserError
from restereo.io.defaults import GLASSES, QUALITY
from restereo.methods import parse


def anaglyph(
    left: Annotated[Path, typer.Argument(help="Left view, or a stereo picture.", show_default=False)],
    right: Annotated[Path | None, typer.Argument(help="Right view, if not in the same file.")] = None,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Picture to write.", show_default=False)] = None,
    method: Method = "red-cyan",
    source_layout: SourceLayout = None,
    swap: Swap = False,
) -> None:
    """Makes an anaglyph of two views, or of a stereo picture.

    Example: `restereo anaglyph left.png right.png -o anaglyph.png --method green-magenta-half`, or
    `restereo anaglyph photo.mpo -o anaglyph.png`
    """
    from restereo.io.write import PLAIN, check_target

    if out is None:
        raise UserError("no name for the anaglyph", remedy="name its file with -o")
    how = parse(method)
    check_target(out, PLAIN)
    _convert(left, right, out, "anaglyph", source_layout, swap, method, QUALITY)
    typer.echo(f"{out}: {how.name}")


def convert(
    paths: Annotated[
        list[Path], typer.Argument(help="A stereo picture or both views, then the file to write.", show_default=False)
    ],
    layout: Annotated[
        str | None, typer.Option("-l", "--layout", help="How to show the views; by default as the ending asks, or sbs.")
    ] = None,
    source_layout: SourceLayout = None,
    swap: Swap = False,
    glasses: Annotated[str, typer.Option(help="Method of layout 'anaglyph'.")] = GLASSES,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG files, always 4:4:4.")] = QUALITY,
) -> None:
    """Shows a stereo picture in another layout: MPO, JPS, HEIC, side by side and the like in, any layout out.

    Example: `restereo convert photo.mpo photo.jpg --layout half-sbs`, or `restereo convert left.jpg right.jpg both.mpo`
    """
    from restereo.io.layouts import layout_of

    if not 2 <= len(paths) <= 3:
        raise UserError("give a stereo picture, or left and right view, and then the file to write.")
    out = paths[-1]
    right = paths[1] if len(paths) == 3 else None
    shown = layout or layout_of(out).name
    for file in _convert(paths[0], right, out, shown, source_layout, swap, glasses, quality):
        typer.echo(f"{file}: {shown}")


def _convert(
    left: Path,
    right: Path | None,
    out: Path,
    layout: str,
    source_layout: str | None,
    swap: bool,
    glasses: str,
    quality: int,
) -> list[Path]:
    from restereo.io import convert as library

    def note(message: str) -> None:
        typer.echo(f"note: {message}", err=True)

    source = left if right is None else (left, right)
    written = library.convert(
        source,
        out,
        layout,
        source_layout=source_layout,
        swap=swap,
        glasses=glasses,
        quality=quality,
        on_note=note,
    )
    return list(written)
