"""`restereo colorize`, `repair`, `upscale`: the sibling tasks, each a row of `inference.restore.COMMANDS`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restereo.cli.options import Codec, Crf, Device, End, Model, OneFrame, Out, Start, video_options
from restereo.errors import UserError

if TYPE_CHECKING:
    from restereo.video.conversion import VideoOptions


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
        model: Model = None,
        device: Device = "auto",
    ) -> None:
        _restore(name, 1, [picture], out, video_options(start, end, sample, codec, crf, force), model, device)

    command.__doc__ = about
    return command


def upscale(
    left: Annotated[Path, typer.Argument(help="Left view.", show_default=False)],
    right: Annotated[Path, typer.Argument(help="Right view.", show_default=False)],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write into.", file_okay=False)] = None,
    scale: Annotated[int, typer.Option(min=2, max=4, help="How many times larger each way: 2 or 4.")] = 4,
    force: Annotated[bool, typer.Option("--force", help="Also take views that hardly are a pair.")] = False,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Enlarges both views of a stereo pair together.

    Example: `restereo upscale left.png right.png --scale 2`
    """
    from restereo.video.conversion import VideoOptions

    _restore("upscale", scale, [left, right], out, VideoOptions(force=force), model, device)


def _restore(
    name: str,
    scale: int,
    files: Sequence[Path],
    out: Path | None,
    options: "VideoOptions",
    model: str | None,
    device: str,
) -> None:
    """Writes what the command of this name and scale makes of the files, and prints what it wrote."""
    from restereo.inference.restore import COMMANDS, model_for, restore_files
    from restereo.io.paths import is_film
    from restereo.video.conversion import check_for_films
    from restereo.video.recovery import restore_film

    command = next((row for row in COMMANDS if (row.name, row.scale) == (name, scale)), None)
    if command is None:
        raise UserError(f"--scale {scale}: there is no such network; give 2 or 4.")
    check_for_films(options, files)
    restorer, network = model_for(command, model, device)
    if is_film(files[0]):
        restored = restore_film(files[0], out, restorer, command, options)
    else:
        restored = restore_files(files, out, restorer, command, options.force)
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
