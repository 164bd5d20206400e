"""The command line `restereo`. Heavy libraries are imported by the command that needs them: `--help` is instant."""

import os
import sys
from typing import Annotated

import typer

from restereo.commands import developing, recovering, restoring
from restereo.commands.options import Device, Model
from restereo.errors import UserError

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # an operation that Apple's GPU lacks runs on the processor
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # why: pipelines/quiet.py

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False
)


@app.callback()
def about() -> None:
    """Gives back the two full-colour views from which a 3D anaglyph was made."""


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


for command in (*recovering.COMMANDS, *restoring.COMMANDS):
    app.command()(command)
app.command("app")(open_app)
app.command("list")(developing.list_everything)
for command in developing.COMMANDS:
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
