"""The command line `restereo`. Heavy libraries are imported by the command that needs them: `--help` is instant."""

import functools
import io
import os
import sys
from collections.abc import Callable

import typer

from restereo.cli import developing, recovering, restoring
from restereo.cli.wording import message
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


def told_of_interruption(command: Callable[..., None]) -> Callable[..., None]:
    """Returns the command, which prints what an interruption says of itself; typer, which ends the run, does not."""

    @functools.wraps(command)
    def telling(**options: object) -> None:
        try:
            command(**options)
        except KeyboardInterrupt as interruption:
            if interruption.args:
                typer.echo(interruption.args[0], err=True)
            raise

    return telling


for name, command in (recovering.COMMANDS | restoring.COMMANDS | developing.COMMANDS).items():
    app.command(name)(told_of_interruption(command))


def main() -> None:
    """Runs the command line; an error that a person can fix is one sentence and status 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name may be of bytes that are no text: it is shown escaped
            stream.reconfigure(errors="backslashreplace")
    try:
        app(standalone_mode=True)
    except UserError as error:
        typer.echo(f"error: {message(error)}", err=True)
        sys.exit(2)
