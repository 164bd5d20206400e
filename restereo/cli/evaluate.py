"""`restereo evaluate`: a model or a baseline, measured and printed as a table."""

import json
from collections.abc import Mapping
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
