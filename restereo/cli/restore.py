"""`restereo colorize`, `repair`, `upscale`: the sibling tasks, each a row of `inference.restore.COMMANDS`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restereo.cli.options import (
    Codec,
    Crf,
    Deinterlace,
    Device,
    End,
    Model,
    OneFrame,
    Out,
    SourceLayout,
    Start,
    Swap,
    video_options,
)
from restereo.errors import UserError

if TYPE_CHECKING:
    from restereo.inference.engine import Restorer
    from restereo.inference.restore import Command
    from restereo.inference.result import Result


def command_for_one(name: str, about: str, force_help: str) -> Callable[..., None]:
    """Returns the command that restores one picture or film, such as `colorize`.

    Args:
        name: Of the row in `inference.restore.COMMANDS`.
        about: Its help.
        force_help: The help of its option `--force`.
    """

    def command(
        picture: Annotated[Path, typer.Argument(help="The picture or film.", show_default=False)],
        out: Out = None,
        force: Annotated[bool, typer.Option("--force", help=force_help)] = False,
        start: Start = "0",
        end: End = None,
        sample: OneFrame = False,
        codec: Codec = "auto",
        crf: Crf = None,
        deinterlace: Deinterlace = True,
        model: Model = None,
        device: Device = "auto",
    ) -> None:
        from restereo.inference.restore import restore_files
        from restereo.io.paths import is_film
        from restereo.video.conversion import check_for_films
        from restereo.video.recovery import restore_film

        options = video_options(start, end, sample, codec, crf, force, deinterlace)
        check_for_films(options, [picture])

        def work(restorer: "Restorer", command: "Command") -> "Result":
            if is_film(picture):
                return restore_film(picture, out, restorer, command, options)
            return restore_files([picture], out, restorer, command, force)

        _restore(name, 1, model, device, work)

    command.__doc__ = about
    return command


def upscale(
    left: Annotated[Path, typer.Argument(help="Left view, or a stereo picture.", show_default=False)],
    right: Annotated[Path | None, typer.Argument(help="Right view, if not in the same file.")] = None,
    out: Out = None,
    layout: Annotated[
        str | None,
        typer.Option("-l", "--layout", help="How to show the views; by default as the ending of --out asks."),
    ] = None,
    source_layout: SourceLayout = None,
    swap: Swap = False,
    scale: Annotated[int, typer.Option(min=2, max=4, help="How many times larger each way: 2 or 4.")] = 4,
    force: Annotated[bool, typer.Option("--force", help="Also take views that hardly are a pair.")] = False,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Enlarges both views of a stereo pair together: two files, or one stereo picture such as MPO or JPS.

    Example: `restereo upscale left.png right.png --scale 2`, or `restereo upscale photo.mpo -o large.mpo`
    """
    from restereo.inference.restore import restore_files, restore_stereo
    from restereo.io.layouts import find_layout, layout_of
    from restereo.io.paths import is_film

    files = [left] if right is None else [left, right]
    for file in files:
        if is_film(file):
            raise UserError("a film; `upscale` takes pictures only", where=file)
    together = right is None or (out is not None and out.suffix and not out.is_dir())
    name = layout or (layout_of(out).name if together else None)
    shown = None if name is None else find_layout(name)
    source = None if source_layout is None else find_layout(source_layout)

    def work(restorer: "Restorer", command: "Command") -> "Result":
        if shown is None:
            return restore_files(files[::-1] if swap else files, out, restorer, command, force)
        return restore_stereo(files, out, shown, restorer, command, force=force, source_layout=source, swap=swap)

    _restore("upscale", scale, model, device, work)


def _restore(
    name: str, scale: int, model: str | None, device: str, work: Callable[["Restorer", "Command"], "Result"]
) -> None:
    """Does the work with the network of the command of this name and scale, and prints what it wrote."""
    from restereo.inference.restore import COMMANDS, model_for

    command = next((row for row in COMMANDS if (row.name, row.scale) == (name, scale)), None)
    if command is None:
        raise UserError(f"--scale {scale}: there is no such network; give 2 or 4.")
    restorer, network = model_for(command, model, device)
    restored = work(restorer, command)
    for file in restored.outputs:
        typer.echo(f"{file}: {command.text(command.done, restorer)} by {network}")
    for note in restored.notes:
        typer.echo(f"  note: {note}")


colorize = command_for_one(
    "colorize",
    """Gives a grey picture or film colours; its grey is kept at full size, and its sound as it is.

    Example: `restereo colorize grandmother.png -o coloured.png`, or `restereo colorize wedding.mp4`
    """,
    "Also take one that has colours: they are lost; or a damaged film.",
)
repair = command_for_one(
    "repair",
    """Takes grain and dirt out of an old photograph or film, fills scratches, and colours it if the network does.

    Example: `restereo repair wedding.jpg`
    """,
    "Also take a damaged film, as far as it goes.",
)
