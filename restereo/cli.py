"""The command line `restereo`. Heavy libraries are imported by the command that needs them: `--help` is instant."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from restereo.errors import UserError

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
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

    rows: dict[str, list[str]] = {kind: catalog.names(kind) for kind in catalog.FOLDERS}
    if Path("params.yaml").exists():
        params = load_params()
        rows = {"recipe": sorted(params.recipes), **rows}
    for kind, names in {**rows, "released": released(), "method": sorted(METHODS)}.items():
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
        typer.echo(f"{picture}: a plain picture, not an anaglyph")
    else:
        typer.echo(f"{picture}: {found.method} ({found.confidence:.0%} sure of '{found.kind}')")


@app.command()
def recover(
    picture: Annotated[Path, typer.Argument(help="The anaglyph.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Picture to write: left and right side by side.")],
    method: Method = "auto",
    swap: Annotated[bool, typer.Option("--swap", help="The first colour is the right eye's.")] = False,
    model: Annotated[str | None, typer.Option(help="Run folder, or name of released weights or of a run.")] = None,
    disparity: Annotated[
        Path | None, typer.Option(help="Also write the disparities in px, 32-bit .tif or .pfm.")
    ] = None,
    confidence: Annotated[Path | None, typer.Option(help="Also write where colours are matched, not invented.")] = None,
) -> None:
    """Recovers the two colour views of an anaglyph, side by side.

    Example: `restereo recover photo.jpg -o photo_sbs.png --confidence matched.png`
    """
    from restereo.inference.contender import default_restorer
    from restereo.inference.recover import Maps, recover_file

    name = model or default_restorer()
    views = recover_file(picture, out, name, method, swap, Maps(disparity, confidence))
    order = "right" if swap else "left"
    typer.echo(f"{out}: left and right of {views.method}, by {name}; first colour taken for the {order} eye's")


@app.command()
def evaluate(
    what: Annotated[str, typer.Argument(help="A run folder, or the name of a baseline, released weights or a run.")],
    pairs: Annotated[Path, typer.Option(help="Folder laid out <scene>/left.* right.* [disp_left.*].")],
    jpeg: Annotated[int | None, typer.Option(min=1, max=100, help="Save the input as JPEG 4:2:0 first.")] = None,
    task: Annotated[str, typer.Option(help="Task of a baseline; a model knows its own.")] = "anaglyph",
    json_file: Json = None,
) -> None:
    """Measures a model or a baseline on real pairs, by the protocol.

    Example: `restereo evaluate sgbm --pairs pictures/ --jpeg 85 --json sgbm.json`
    """
    from restereo.evaluation.folder import evaluate_folder, print_table
    from restereo.inference.contender import find_contender
    from restereo.sources._pictures import find_pairs

    files = find_pairs(pairs)
    contender = find_contender(what, task)
    typer.echo(f"{contender.file} sha256 {contender.sha256}")
    figures = evaluate_folder(contender.predictor, contender.task, files, jpeg)
    content = {
        "what": what,
        "file": str(contender.file),
        "sha256": contender.sha256,
        "jpeg_quality": jpeg,
        **figures,
    }
    if json_file:
        json_file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    print_table(figures)


def main() -> None:
    """Runs the command line; an error that a person can fix is one sentence and status 2."""
    try:
        app(standalone_mode=True)
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
