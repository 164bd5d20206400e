"""`restereo flicker`: how steady a recovered film is."""

from pathlib import Path
from typing import Annotated

import typer

from restereo.cli.options import Device, Method, Model, Start, seconds_of
from restereo.methods import parse


def flicker(
    film: Annotated[Path, typer.Argument(help="An anaglyph film, or with --model what that network restores.")],
    truth: Annotated[
        Path | None, typer.Option(help="The film it was made of; of an anaglyph both views side by side.")
    ] = None,
    frames: Annotated[int, typer.Option(min=2, help="How many frames to look at.")] = 24,
    start: Start = "0",
    method: Method = "red-cyan",
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Measures how much a recovered film flickers: held steady, and frame by frame.

    Example: `restereo flicker film.mp4 --truth sbs.mp4 --frames 24`, or
    `restereo flicker grey.mp4 --truth colour.mp4 --model colorization_lab`
    """
    from restereo.inference.lookup import default_model, loaded_model
    from restereo.video.reader import TimeRange, open_film
    from restereo.video.temporal import measure

    restorer = loaded_model(model or default_model(), device)
    known, time_range = open_film(truth) if truth else None, TimeRange(seconds_of(start))
    how = parse(method) if restorer.config["task_kind"] == "anaglyph" else None
    rows = measure(restorer, how, open_film(film), time_range, frames, known)
    typer.echo(f"{'':16s}{'colour':>10s}{'disparity':>12s}{'psnr':>8s}")
    for name, row in rows.items():
        cells = [f"{one:.3f}" if one is not None else "" for one in (row.color, row.disparity, row.psnr)]
        typer.echo(f"{name:16s}{cells[0]:>10s}{cells[1]:>12s}{cells[2]:>8s}")
    if all(row.color is None for row in rows.values()):
        typer.echo(f"note: {film}: no frame could be compared with the one before it; look at one scene with --start")
