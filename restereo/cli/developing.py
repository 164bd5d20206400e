"""Commands for who trains networks: list what there is, train, evaluate, export."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from restereo.errors import UserError

HEADINGS = {
    "missing_psnr": "missing",
    "missing_psnr_visible": "visible",
    "missing_psnr_occluded": "occluded",
    "psnr_left": "left",
    "psnr_right": "right",
    "ciede2000": "ΔE",
    "chroma_error": "|Δab|",
}
"""Of figures whose names are long."""


def list_everything() -> None:
    """Lists what there is to choose from: methods, recipes, models, baselines.

    Example: `restereo list`
    """
    from restereo import catalog
    from restereo.config import load_params
    from restereo.evaluation.baselines import BASELINES
    from restereo.inference.lookup import released
    from restereo.io.layouts import LAYOUTS
    from restereo.methods import METHODS

    rows: dict[str, list[str]] = {kind: catalog.names(kind) for kind in catalog.FOLDERS}
    rows["baseline"] = sorted(BASELINES)
    if Path("params.yaml").exists():
        params = load_params()
        rows = {"recipe": sorted(params.recipes), **rows}
    rows |= {"released": released(), "layout": list(LAYOUTS), "method": sorted(METHODS)}
    for kind, names in rows.items():
        typer.echo(f"{kind:10s} {', '.join(names) or '(none)'}")


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


def evaluate(
    what: Annotated[str, typer.Argument(help="A run folder, or the name of a baseline, released weights or a run.")],
    pairs: Annotated[
        Path | None, typer.Option(help="Folder of scenes: SCENE/left.png, right.png [disp_left.png].")
    ] = None,
    photos: Annotated[Path | None, typer.Option(help="Folder of pictures, for a task of single ones.")] = None,
    jpeg: Annotated[int | None, typer.Option(min=1, max=100, help="Save the input as JPEG 4:2:0 first.")] = None,
    task: Annotated[
        str, typer.Option(help="Task of a baseline, or a trained network whose task it is; a model knows its own.")
    ] = "anaglyph",
    method: Annotated[
        str | None, typer.Option("--method", "-m", help="Anaglyph method of the input, or 'all': a row for each.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
) -> None:
    """Measures a model or a baseline on real pairs or photos, by the protocol.

    Example: `restereo evaluate sgbm --pairs pictures/ --jpeg 85 --json sgbm.json`
    """
    from restereo.evaluation.protocol import evaluate_folder, evaluate_methods
    from restereo.evaluation.reader import files_for
    from restereo.inference.lookup import find_predictor
    from restereo.io.write import check_place
    from restereo.methods import parse

    if json_file:
        check_place(json_file)
    found = find_predictor(what, task)
    folder, other, flag = (pairs, photos, "--pairs") if found.task.needs_pairs else (photos, pairs, "--photos")
    if folder is None or other is not None:
        raise UserError(f"this task is measured on {flag[2:]}; name a folder of them with {flag}.")
    files = files_for(found.task, folder)
    if jpeg is not None and len(found.task.variants(jpeg)) == 1:
        raise UserError("--jpeg: what this task observes is never saved as JPEG; leave it out.")
    typer.echo(f"{found.file} sha256 {found.sha256}")
    if method == "all":
        from restereo.methods import HEADLINE_METHOD, METHODS

        found.task.observing(METHODS[HEADLINE_METHOD])  # refused by a task that knows no methods
        compared = {what: found.predictor, "grey": find_predictor("grey").predictor}
        real = [one for one in files if not isinstance(one, Path)]
        every = [METHODS[name] for name in sorted(METHODS)]
        rows = evaluate_methods(compared, found.task, every, real, jpeg)
        caption = "PSNR in dB of the hidden channels; of both whole views where a method hides none outright"
        _print_table("method", rows, {name: name for name in compared}, caption)
        content: dict[str, object] = {"methods": rows}
    else:
        observed = found.task.observing(parse(method)) if method else found.task
        figures = evaluate_folder(found.predictor, observed, files, jpeg)
        headings = {name: HEADINGS.get(name, name.replace("_", " ")) for name in found.task.shown}
        caption = "PSNR in dB" if any("psnr" in name for name in headings) else ""
        if "missing_psnr" in headings:
            caption += ": of the missing channels (all, visible, occluded pixels), of each view"
        headings["seconds_per_megapixel"] = "s/Mpx"
        _print_table("scene", {**figures["scenes"], "mean": figures["mean"]}, headings, caption)
        content = {"method": method, **figures}
    if json_file:
        facts = {"what": what, "file": str(found.file), "sha256": found.sha256, "jpeg_quality": jpeg}
        json_file.write_text(json.dumps(facts | content, indent=2) + "\n", encoding="utf-8")


def _print_table(
    first: str, rows: Mapping[str, Mapping[str, float | None]], headings: Mapping[str, str], caption: str
) -> None:
    """Prints figures, a row for each name, under these headings of theirs; the mean is bold."""
    from rich.console import Console
    from rich.table import Column, Table

    def cell(value: float | None) -> str:
        return "–" if value is None else f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"

    columns = (Column(heading, justify="right") for heading in headings.values())
    table = Table(Column(first, overflow="fold"), *columns, caption=caption or None)
    for name, row in rows.items():
        table.add_row(name, *(cell(row[figure]) for figure in headings), style="bold" if name == "mean" else "")
    Console().print(table)


def export(
    recipe: Annotated[str, typer.Argument(help="Run folder, or name of released weights or of a run.")],
    out: Annotated[Path | None, typer.Option("-o", "--out", help="Folder to write; by default RECIPE.onnx.")] = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="As ONNX, the one format there is.")] = True,
) -> None:
    """Writes a trained network for programs without torch, after comparing its answers with torch's.

    Example: `restereo export anaglyph_parallax --onnx -o parallax`
    """
    from restereo.inference.lookup import find_model
    from restereo.inference.onnx import export as export_onnx
    from restereo.io.write import make_folder

    folder = out or Path(f"{Path(recipe).name}.onnx")
    restorer = find_model(recipe)
    make_folder(folder)
    try:
        exported = export_onnx(restorer, folder)
    except OSError as error:  # a full disk, or a folder where a file is to be
        raise UserError(f"{folder}: cannot be written ({error.strerror or error}); name another with -o.") from None
    for one in exported:
        times = one.seconds, one.seconds_torch, one.seconds_torch_fast
        took = "{:.3f} s by onnxruntime, {:.3f} by torch in float32, {:.3f} as recover runs it".format(*times)
        typer.echo(f"{folder / one.file}: within {one.difference:.1e} of torch; {took}")


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_everything,
    "train": train,
    "evaluate": evaluate,
    "export": export,
}
