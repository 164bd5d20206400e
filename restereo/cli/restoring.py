"""Commands of the sibling tasks: `restereo colorize`, `repair`, `upscale`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from restereo.cli.options import Codec, Crf, Device, End, Model, OneFrame, Out, Shown, Start, video_options

if TYPE_CHECKING:
    from restereo.inference.restore import Command
    from restereo.video.conversion import VideoOptions


def colorize(
    picture: Shown,
    out: Out = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also take one that has colours: they are lost; or a damaged film.")
    ] = False,
    start: Start = "0",
    end: End = None,
    sample: OneFrame = False,
    codec: Codec = "auto",
    crf: Crf = None,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Gives a grey picture or film colours; its grey is kept at full size, and its sound as it is.

    Example: `restereo colorize grandmother.png -o coloured.png`, or `restereo colorize wedding.mp4`
    """
    from restereo.inference.restore import COLORIZE

    _restore(COLORIZE, [picture], out, video_options(start, end, sample, codec, crf, force), model, device)


def repair(
    picture: Shown,
    out: Out = None,
    force: Annotated[bool, typer.Option("--force", help="Also take a damaged film, as far as it goes.")] = False,
    start: Start = "0",
    end: End = None,
    sample: OneFrame = False,
    codec: Codec = "auto",
    crf: Crf = None,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Takes grain and dirt out of an old photograph or film, fills scratches, and colours it if the network does.

    Example: `restereo repair wedding.jpg`
    """
    from restereo.inference.restore import REPAIR

    _restore(REPAIR, [picture], out, video_options(start, end, sample, codec, crf, force), model, device)


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
    from restereo.errors import UserError
    from restereo.inference.restore import UPSCALE
    from restereo.video.conversion import VideoOptions

    if scale not in UPSCALE:
        raise UserError(f"--scale {scale}: there is no such network; give 2 or 4.")
    _restore(UPSCALE[scale], [left, right], out, VideoOptions(force=force), model, device)


def _restore(
    command: "Command", files: Sequence[Path], out: Path | None, wanted: "VideoOptions", model: str | None, device: str
) -> None:
    from restereo.inference.restore import model_for, restore_files
    from restereo.io.paths import is_film
    from restereo.video.conversion import check_for_films
    from restereo.video.recovery import restore_film

    check_for_films(wanted, files)
    restorer, name = model_for(command, model, device)
    if is_film(files[0]):
        restored = restore_film(files[0], out, restorer, command, wanted)
    else:
        restored = restore_files(files, out, restorer, command, wanted.force)
    for file in restored.outputs:
        typer.echo(f"{file}: {command.text(command.done, restorer)} by {name}")
    for note in restored.notes:
        typer.echo(f"  note: {note}")


COMMANDS: dict[str, Callable[..., None]] = {
    "colorize": colorize,
    "repair": repair,
    "upscale": upscale,
}
