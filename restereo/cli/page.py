"""`restereo app`: the page in the browser."""

from typing import Annotated

import typer

from restereo.cli.options import Device, Model


def open_page(
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Of this computer.")] = 7860,
    model: Model = None,
    device: Device = "auto",
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
) -> None:
    """Serves a page to this computer only: drop an anaglyph, look at its views, download them.

    Example: `restereo app`
    """
    from restereo.app.serving import serve
    from restereo.inference.lookup import default_model, loaded_model

    serve(loaded_model(model or default_model(), device, "anaglyph"), port, browser)
