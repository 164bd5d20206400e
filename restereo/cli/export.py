"""`restereo export`: a network for programs without torch."""

from pathlib import Path
from typing import Annotated

import typer

from restereo.errors import UserError


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
