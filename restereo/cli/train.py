"""`restereo train`: one recipe of params.yaml."""

import os
from pathlib import Path
from typing import Annotated

import typer


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
