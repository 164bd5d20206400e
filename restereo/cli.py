"""The command line `restereo`. Heavy libraries are imported by the command that needs them: `--help` is instant."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from restereo.errors import UserError
from restereo.restoring import COMMANDS, Codec, Crf, Device, End, Model, OneFrame, Start, film_wanted

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # an operation that Apple's GPU lacks runs on the processor
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # why: pipelines/quiet.py

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False
)
Method = Annotated[
    str, typer.Option("--method", "-m", help="Anaglyph method, such as red-cyan; 'restereo list' names them.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")]


@app.callback()
def about() -> None:
    """Gives back the two full-colour views from which a 3D anaglyph was made."""


@app.command("list")
def list_everything() -> None:
    """Lists what there is to choose from: methods, recipes, models, baselines.

    Example: `restereo list`
    """
    from restereo import catalog
    from restereo.config import load_params
    from restereo.imaging.anaglyph import METHODS
    from restereo.inference.contender import released
    from restereo.inference.layouts import LAYOUTS

    rows: dict[str, list[str]] = {kind: catalog.names(kind) for kind in catalog.FOLDERS}
    if Path("params.yaml").exists():
        params = load_params()
        rows = {"recipe": sorted(params.recipes), **rows}
    rows |= {"released": released(), "layout": list(LAYOUTS), "method": sorted(METHODS)}
    for kind, names in rows.items():
        typer.echo(f"{kind:10s} {', '.join(names) or '(none)'}")


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A row of `recipes:` in params.yaml.")],
    data: Annotated[Path, typer.Option(help="Folder that stage synthesize wrote for the recipe's task.")],
    out: Annotated[Path, typer.Option(help="Run folder to write.")],
    params: Annotated[Path, typer.Option(help="The parameters.")] = Path("params.yaml"),
) -> None:
    """Trains one recipe and writes its run folder; a killed training goes on where it was.

    Example: `restereo train anaglyph_unet --data data/pairs/anaglyph --out runs/first`
    """
    from restereo.config import load_params
    from restereo.training.trainer import train_recipe

    live = out.absolute().parent / f".{out.name}.live"
    cost = train_recipe(load_params(params), recipe, data, out, live)
    if os.environ.get("RANK", "0") == "0":  # under torchrun every process comes here
        typer.echo(f"{out}: {cost['steps']} steps in {cost['seconds']} s, {cost['samples_per_second']} samples/s")


@app.command()
def anaglyph(
    left: Annotated[Path, typer.Argument(help="Left view.")],
    right: Annotated[Path, typer.Argument(help="Right view.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Picture to write.")],
    method: Method = "red-cyan",
) -> None:
    """Makes an anaglyph of two views.

    Example: `restereo anaglyph left.png right.png -o anaglyph.png --method green-magenta-half`
    """
    from restereo.imaging.anaglyph import find_method, form
    from restereo.inference.files import write_picture
    from restereo.sources._pictures import PairFiles, read_pair

    how = find_method(method)
    pair = read_pair(PairFiles(left.stem, left, right))
    write_picture(out, form(pair.left, pair.right, how))
    typer.echo(f"{out}: {how.name}")


@app.command()
def detect(
    picture: Annotated[Path, typer.Argument(help="A picture that may be an anaglyph.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Says whether a picture is an anaglyph, and of what type.

    Which eye sees which colour cannot be told from a picture; the first colour is taken for the left one.

    Example: `restereo detect photo.jpg`
    """
    from restereo.imaging.detection import detect as detect_type
    from restereo.sources._pictures import read_picture

    found = detect_type(read_picture(picture), str(picture))
    if as_json:
        facts = {"file": str(picture), "plain": found.plain, "method": found.method, "confidence": found.confidence}
        typer.echo(json.dumps(facts))
    elif found.plain:
        typer.echo(f"{picture}: a plain picture, not an anaglyph, unless its scene has hardly any depth")
    else:
        typer.echo(f"{picture}: {found.method} ({found.confidence:.0%} sure of '{found.kind}')")


@app.command()
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
    glasses: Annotated[str, typer.Option(help="Method of layout 'anaglyph'.")] = "red-cyan-dubois",
    ending: Annotated[str | None, typer.Option("--format", help="Such as png; by default the picture's own.")] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of JPEG files, always 4:4:4.")] = 95,
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
    from restereo.inference.contender import default_restorer, find_restorer
    from restereo.inference.devices import find_device
    from restereo.inference.layouts import find_layout, layout_of
    from restereo.inference.recover import Wish, check_wish

    layouts = [find_layout(name) for name in dict.fromkeys(layout or [layout_of(out).name])]
    film = film_wanted(start, end, sample, codec, crf, force)
    wish = check_wish(Wish(method, swap, force, invent_color, layouts, glasses, quality, film))
    todo = batch.plan(paths, wish, out, ending and f".{ending.removeprefix('.')}")
    restorer = find_restorer(model or default_restorer(), find_device(device))

    def tell(outcome: batch.Outcome) -> None:
        if as_json:
            typer.echo(json.dumps(outcome.facts()))
        elif outcome.result or outcome.status == "skipped":
            typer.echo(
                outcome.result.sentence() if outcome.result else f"{outcome.job.file}: skipped, its results are there"
            )
        elif skip_errors:
            typer.echo(f"error: {outcome.error}", err=True)

    outcomes = batch.run(todo, restorer, wish, tell, workers=jobs, resume=resume, skip_errors=skip_errors)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    if failed and not skip_errors:
        raise UserError(failed[0].error)
    if len(todo) > 1:
        counts = {name: sum(one.status == name for one in outcomes) for name in ("done", "skipped", "failed")}
        typer.echo(", ".join(f"{count} {name}" for name, count in counts.items()), err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def export(
    recipe: Annotated[str, typer.Argument(help="Run folder, or name of released weights or of a run.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write; by default RECIPE.onnx.")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the one format there is.")] = True,
) -> None:
    """Writes a trained network for programs without torch, after comparing its answers with torch's.

    Example: `restereo export anaglyph_parallax --onnx -o parallax`
    """
    from restereo.inference.contender import find_restorer
    from restereo.inference.onnx_export import export as export_onnx

    folder = out or Path(f"{Path(recipe).name}.onnx")
    for one in export_onnx(find_restorer(recipe), folder):
        times = one.seconds, one.seconds_torch, one.seconds_torch_fast
        took = "{:.3f} s by onnxruntime, {:.3f} by torch in float32, {:.3f} as recover runs it".format(*times)
        typer.echo(f"{folder / one.file}: within {one.difference:.1e} of torch; {took}")


@app.command("app")
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
    from restereo.inference.contender import default_restorer, find_restorer
    from restereo.inference.devices import find_device

    serve(find_restorer(model or default_restorer(), find_device(device)), port, browser)


@app.command()
def flicker(
    film: Annotated[Path, typer.Argument(help="An anaglyph film.")],
    truth: Annotated[Path | None, typer.Option(help="The film it was made of, side by side.")] = None,
    frames: Annotated[int, typer.Option(min=2, help="How many frames to look at.")] = 24,
    start: Annotated[str, typer.Option(help="Where to begin, in seconds or [h:]m:s.")] = "0",
    method: Annotated[str, typer.Option("--method", "-m", help="The film's.")] = "red-cyan",
    model: Model = None,
    device: Device = "auto",
) -> None:
    """Measures how much a recovered film flickers: held steady, and frame by frame.

    Example: `restereo flicker film.mp4 --truth sbs.mp4 --frames 24`
    """
    from restereo.imaging.anaglyph import find_method
    from restereo.inference.contender import default_restorer, find_restorer
    from restereo.inference.devices import find_device
    from restereo.inference.film_reader import Span, open_film, seconds_of
    from restereo.inference.flicker import measure

    restorer = find_restorer(model or default_restorer(), find_device(device))
    known, span = open_film(truth) if truth else None, Span(seconds_of(start))
    rows = measure(restorer, find_method(method).name, open_film(film), span, frames, known)
    typer.echo(f"{'':16s}{'colour':>10s}{'disparity':>12s}{'missing_psnr':>14s}")
    for name, row in rows.items():
        cells = [f"{one:.3f}" if one is not None else "" for one in (row.colour, row.disparity, row.missing_psnr)]
        typer.echo(f"{name:16s}{cells[0]:>10s}{cells[1]:>12s}{cells[2]:>14s}")


@app.command()
def evaluate(
    what: Annotated[str, typer.Argument(help="A run folder, or the name of a baseline, released weights or a run.")],
    pairs: Annotated[Path | None, typer.Option(help="Folder laid out <scene>/left.* right.* [disp_left.*].")] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of pictures, for a task of single ones.")] = None,
    jpeg: Annotated[int | None, typer.Option(min=1, max=100, help="Save the input as JPEG 4:2:0 first.")] = None,
    task: Annotated[
        str, typer.Option(help="Task of a baseline, or a trained network whose task it is; a model knows its own.")
    ] = "anaglyph",
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Anaglyph method of the input, or 'all': a row for each.")
    ] = None,
    json_file: Json = None,
) -> None:
    """Measures a model or a baseline on real pairs or photos, by the protocol.

    Example: `restereo evaluate sgbm --pairs pictures/ --jpeg 85 --json sgbm.json`
    """
    from restereo.evaluation.folder import evaluate_folder, files_for, print_table
    from restereo.inference.contender import find_contender

    contender = find_contender(what, task)
    files = files_for(contender.task, pairs, photos)
    typer.echo(f"{contender.file} sha256 {contender.sha256}")
    if method == "all":
        from restereo.evaluation.methods import evaluate_methods, print_methods
        from restereo.imaging.anaglyph import METHODS

        compared = {what: contender.predictor, "grey": find_contender("grey").predictor}
        real = [one for one in files if not isinstance(one, Path)]
        rows = evaluate_methods(compared, contender.task, sorted(METHODS), real, jpeg)
        print_methods(rows)
        content: dict[str, object] = {"methods": rows}
    else:
        observed = contender.task.observing(method) if method else contender.task
        figures = evaluate_folder(contender.predictor, observed, files, jpeg)
        print_table(figures, contender.task)
        content = {"method": method, **figures}
    if json_file:
        facts = {"what": what, "file": str(contender.file), "sha256": contender.sha256, "jpeg_quality": jpeg}
        json_file.write_text(json.dumps(facts | content, indent=2) + "\n", encoding="utf-8")


for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Runs the command line; an error that a person can fix is one sentence and status 2."""
    try:
        app(standalone_mode=True)
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
