"""The command line `restereo`. Heavy libraries are imported by the command that needs them: `--help` is instant."""

import functools
import io
import os
import sys
from collections.abc import Callable

import typer

from restereo.allocator import reuse_memory
from restereo.cli.anaglyph import anaglyph, convert
from restereo.cli.detect import detect
from restereo.cli.errors import message
from restereo.cli.evaluate import evaluate
from restereo.cli.export import export
from restereo.cli.flicker import flicker
from restereo.cli.list import list_everything
from restereo.cli.page import open_page
from restereo.cli.recover import recover
from restereo.cli.restore import colorize, repair, upscale
from restereo.cli.train import train
from restereo.errors import UserError

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")  # an operation that Apple's GPU lacks runs on the processor
os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # why: pipelines/environment.py

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False
)


@app.callback()
def about() -> None:
    """Gives back the two full-colour views from which a 3D anaglyph was made."""


COMMANDS: dict[str, Callable[..., None]] = {
    "recover": recover,
    "app": open_page,
    "detect": detect,
    "anaglyph": anaglyph,
    "convert": convert,
    "flicker": flicker,
    "colorize": colorize,
    "repair": repair,
    "upscale": upscale,
    "list": list_everything,
    "train": train,
    "evaluate": evaluate,
    "export": export,
}
"""In the order of `--help`."""


def reporting_interruption(command: Callable[..., None]) -> Callable[..., None]:
    """Returns the command, which prints the message of an interruption; typer, which ends the run, does not."""

    @functools.wraps(command)
    def reporting(**options: object) -> None:
        try:
            command(**options)
        except KeyboardInterrupt as interruption:
            if interruption.args:
                typer.echo(interruption.args[0], err=True)
            raise

    return reporting


for name, command in COMMANDS.items():
    app.command(name)(reporting_interruption(command))


def main() -> None:
    """Runs the command line; an error that a person can fix is one sentence and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may be of bytes that are no text: it is shown escaped
            stream.reconfigure(errors="backslashreplace")
    reuse_memory()
    try:
        app(standalone_mode=True)
    except UserError as error:
        typer.echo(f"error: {message(error)}", err=True)
        sys.exit(2)
