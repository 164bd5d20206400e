"""Commands for anaglyphs: recover its views, open the page, tell its type, make one, see how steady a film is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from restereo.cli.options import Codec, Crf, Device, End, Method, Model, OneFrame, Start, seconds_of, video_options
from restereo.cli.wording import message
from restereo.io.defaults import GLASSES, QUALITY
from restereo.methods import parse, parse_or_detect


def anaglyph(
    left: Annotated[Path, typer.Argument(help="Left view.")],
    right: Annotated[Path, typer.Argument(help="Right view.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Picture to write.")],
    method: Method = "red-cyan",
) -> None:
    """Makes an anaglyph of two views.

    Example: `restereo anaglyph left.png right.png -o anaglyph.png --method green-magenta-half`
    """
    from restereo.datasets.pairs import PairFiles, read_pair
    from restereo.imaging.anaglyph import form
    from restereo.io.paths import keep_source
    from restereo.io.read import check_regular
    from restereo.io.write import PLAIN, check_target, write_picture

    how = parse(method)
    check_target(out, PLAIN)
    for view in (left, right):
        check_regular(view)
        keep_source(out, view)
    pair = read_pair(PairFiles(left.stem, left, right))
    write_picture(out, form(pair.left, pair.right, how))
    typer.echo(f"{out}: {how.name}")


def detect(
    picture: Annotated[Path, typer.Argument(help="A picture that may be an anaglyph.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Says whether a picture is an anaglyph, and of what type.

    Which eye sees which colour cannot be told from a picture; the first colour is taken for the left one.

    Example: `restereo detect photo.jpg`
    """
    from restereo.image import eight_bit
    from restereo.imaging.detection import detect as detect_type
    from restereo.io.read import read_image

    found = detect_type(eight_bit(read_image(picture).pixels), str(picture))
    if as_json:
        facts = {
            "file": str(picture),
            "plain": found.plain,
            "method": found.method.name,
            "confidence": found.confidence,
        }
        typer.echo(json.dumps(facts))
    elif found.plain:
        typer.echo(f"{picture}: a plain picture, not an anaglyph, unless its scene has hardly any depth")
    else:
        typer.echo(f"{picture}: {found.method} ({found.confidence:.0%} sure of '{found.method.family}')")


def recover(
    paths: Annotated[list[Path], typer.Argument(help="Anaglyphs, or folders of them.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="File or folder to write; by default beside each picture.")
    ] = None,
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
    from restereo.inference.devices import find_device
    from restereo.inference.lookup import default_model, find_model
    from restereo.inference.recover import RecoverOptions
    from restereo.inference.result import Result
    from restereo.io.layouts import find_layout, layout_of
    from restereo.video.conversion import check_for_films

    layouts = [find_layout(name) for name in dict.fromkeys(layout or [layout_of(out).name])]
    film = video_options(start, end, sample, codec, crf, force)
    how, shown = parse_or_detect(method), parse(glasses)
    options = RecoverOptions(how, swap, force, invent_color, layouts, shown, quality, film)
    last = ending and f".{ending.removeprefix('.')}"
    todo = batch.plan(
        paths, options, out, last, skip_errors=skip_errors, on_note=lambda note: typer.echo(f"note: {note}", err=True)
    )
    check_for_films(film, [job.file for job in todo])
    restorer = find_model(model or default_model(), find_device(device), "anaglyph")

    def show(result: Result) -> None:
        if as_json:
            typer.echo(json.dumps(result.facts(message)))
        elif result.error is None:
            typer.echo(result.message())
        elif skip_errors:
            typer.echo(f"error: {message(result.error)}", err=True)

    results = batch.run(todo, restorer, options, show, workers=jobs, resume=resume, skip_errors=skip_errors)
    errors = [result.error for result in results if result.error]
    if errors and not skip_errors:
        raise errors[0]
    if len(todo) > 1:
        counts = {name: sum(one.status == name for one in results) for name in ("done", "skipped", "failed")}
        typer.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
    if errors:
        raise typer.Exit(1)


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
    from restereo.inference.devices import find_device
    from restereo.inference.lookup import default_model, find_model
    from restereo.video.reader import TimeRange, open_film
    from restereo.video.temporal import measure

    restorer = find_model(model or default_model(), find_device(device))
    known, time_range = open_film(truth) if truth else None, TimeRange(seconds_of(start))
    how = parse(method) if restorer.config["task_kind"] == "anaglyph" else None
    rows = measure(restorer, how, open_film(film), time_range, frames, known)
    typer.echo(f"{'':16s}{'colour':>10s}{'disparity':>12s}{'psnr':>8s}")
    for name, row in rows.items():
        cells = [f"{one:.3f}" if one is not None else "" for one in (row.color, row.disparity, row.psnr)]
        typer.echo(f"{name:16s}{cells[0]:>10s}{cells[1]:>12s}{cells[2]:>8s}")
    if all(row.color is None for row in rows.values()):
        typer.echo(f"note: {film}: no frame could be compared with the one before it; look at one scene with --start")


def open_app(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Of this computer.")] = 7860,
    model: Model = None,
    device: Device = "auto",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Serves a page to this computer only: drop an anaglyph, look at its views, download them.

    Example: `restereo app`
    """
    from restereo.app.serving import serve
    from restereo.inference.devices import find_device
    from restereo.inference.lookup import default_model, find_model

    serve(find_model(model or default_model(), find_device(device), "anaglyph"), port, browser)


COMMANDS: dict[str, Callable[..., None]] = {
    "recover": recover,
    "app": open_app,
    "detect": detect,
    "anaglyph": anaglyph,
    "flicker": flicker,
}
