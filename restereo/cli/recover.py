"""`restereo recover`: both views of anaglyphs, pictures or films."""

import json
from pathlib import Path
from typing import Annotated

import typer

from restereo.cli.errors import message
from restereo.cli.options import (
    Codec,
    Crf,
    Deinterlace,
    Device,
    End,
    Method,
    Model,
    OneFrame,
    Out,
    Start,
    video_options,
)
from restereo.io.defaults import GLASSES, QUALITY
from restereo.methods import parse, parse_or_detect


def recover(
    paths: Annotated[list[Path], typer.Argument(help="Anaglyphs, or folders of them.", show_default=False)],
    out: Out = None,
    layout: Annotated[
        list[str] | None,
        typer.Option("-l", "--layout", help="How to show the views, may be repeated; 'restereo list'."),
    ] = None,
    method: Method = "auto",
    swap: Annotated[bool, typer.Option("--swap", help="The first colour is the right eye's.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also take a plain picture for an anaglyph.")] = False,
    invent_color: Annotated[bool, typer.Option("--invent-color", help="Colour the views of a grey anaglyph.")] = False,
    glasses: Annotated[str, typer.Option(help="Method of layout 'anaglyph'.")] = GLASSES,
    ending: Annotated[str | None, typer.Option("--format", help="Such as png; by default the picture's own.")] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG files, always 4:4:4.")] = QUALITY,
    start: Start = "0",
    end: End = None,
    sample: OneFrame = False,
    codec: Codec = "auto",
    crf: Crf = None,
    deinterlace: Deinterlace = True,
    model: Model = None,
    device: Device = "auto",
    jobs: Annotated[int, typer.Option(min=0, help="Pictures worked on at once; 0 = as suits the machine.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Leave pictures whose results are there.")] = False,
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Go on after an error; status 1 if there was one.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON for each picture.")] = False,
) -> None:
    """Recovers the two colour views of anaglyphs, pictures or films; a film that was interrupted goes on where it was.

    Example: `restereo recover photo.jpg`, `restereo recover film.mkv --layout half-sbs`, or
    `restereo recover folder -o out --layout mpo --skip-errors --resume`
    """
    from restereo.inference import batch
    from restereo.inference.lookup import default_model, loaded_model
    from restereo.inference.recover import RecoverOptions
    from restereo.inference.result import Result
    from restereo.io.layouts import find_layout, layout_of
    from restereo.video.conversion import check_for_films

    layouts = [find_layout(name) for name in dict.fromkeys(layout or [layout_of(out).name])]
    film = video_options(start, end, sample, codec, crf, force, deinterlace)
    how, shown = parse_or_detect(method), parse(glasses)
    options = RecoverOptions(how, swap, force, invent_color, layouts, shown, quality, film)
    last = ending and f".{ending.removeprefix('.')}"
    todo = batch.plan(
        paths, options, out, last, skip_errors=skip_errors, on_note=lambda note: typer.echo(f"note: {note}", err=True)
    )
    check_for_films(film, [job.file for job in todo])
    restorer = loaded_model(model or default_model(), device, "anaglyph")

    def show(result: Result) -> None:
        if as_json:
            typer.echo(json.dumps(result.facts(message)))
        elif result.error is None:
            typer.echo(result.message())
        elif skip_errors:
            typer.echo(f"error: {message(result.error)}", err=True)

    def interrupted() -> None:
        typer.echo("interrupted; pictures in work are finished first", err=True)

    results = batch.run(
        todo,
        restorer,
        options,
        show,
        workers=jobs,
        resume=resume,
        skip_errors=skip_errors,
        on_interrupt=interrupted,
    )
    errors = [result.error for result in results if result.error]
    if errors and not skip_errors:
        raise errors[0]
    if len(todo) > 1:
        counts = {name: sum(one.status == name for one in results) for name in ("done", "skipped", "failed")}
        typer.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
    if errors:
        raise typer.Exit(1)
