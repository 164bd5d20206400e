"""Commands of the sibling tasks: `restereo colorize`, `repair`, `upscale`."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option("-o", "--out", help="Picture to write; by default beside the input.")]
Model = Annotated[str | None, typer.Option(help="Run folder, or name of released weights or of a run.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 … or mps.")]
Shown = Annotated[Path, typer.Argument(help="The picture.", show_default=False)]


def colorize(picture: Shown, out: Out = None, model: Model = None, device: Device = "auto") -> None:
    """Gives a grey picture colours; its grey is kept at full size, and colours of its own are not used.

    Example: `restereo colorize grandmother.png -o coloured.png`
    """
    from restereo.inference.restored import COLORIZE, restore_file, restorer_for

    restorer, name = restorer_for(COLORIZE, model, device)
    typer.echo(f"{restore_file(picture, out, restorer, COLORIZE.ending)}: coloured by {name}")


def repair(picture: Shown, out: Out = None, model: Model = None, device: Device = "auto") -> None:
    """Takes grain and dirt out of an old photograph, fills scratches, and colours it if the network does.

    Example: `restereo repair wedding.jpg`
    """
    from restereo.inference.restored import REPAIR, restore_file, restorer_for

    restorer, name = restorer_for(REPAIR, model, device)
    typer.echo(f"{restore_file(picture, out, restorer, REPAIR.ending)}: repaired by {name}")


def upscale(
    left: Annotated[Path, typer.Argument(help="Left view.", show_default=False)],
    right: Annotated[Path, typer.Argument(help="Right view.", show_default=False)],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write into.", file_okay=False)] = None,
    scale: Annotated[int, typer.Option(min=2, max=4, help="How many times larger each way: 2 or 4.")] = 4,
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Enlarges both views of a stereo pair together.

    Example: `restereo upscale left.png right.png --scale 2`
    """
    from restereo.errors import UserError
    from restereo.inference.restored import UPSCALE, restorer_for, upscale_files

    if scale not in UPSCALE:
        raise UserError(f"--scale {scale}: there is no such network; give 2 or 4.")
    restorer, name = restorer_for(UPSCALE[scale], model, device)
    for file in upscale_files(left, right, out, restorer, f"_x{restorer.task.scale}"):
        typer.echo(f"{file}: {restorer.task.scale} times larger, by {name}")


COMMANDS = colorize, repair, upscale
