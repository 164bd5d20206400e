"""`restereo detect`: whether a picture is an anaglyph, and of what type."""

import json
from pathlib import Path
from typing import Annotated

import typer


def detect(
    picture: Annotated[Path, typer.Argument(help="A picture that may be an anaglyph.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Says whether a picture is an anaglyph, and of what type.

    Which eye sees which colour cannot be told from a picture; the first colour is taken for the left one.

    Example: `restereo detect photo.jpg`
    """
    from restereo.image import eight_bit
    from restereo.imaging.detection import detect as detect_type
    from restereo.io.read import read_image

    found = detect_type(eight_bit(read_image(picture).pixels), str(picture))
    if as_json:
        facts = {
            "file": str(picture),
            "plain": found.plain,
            "method": found.method.name,
            "confidence": found.confidence,
        }
        typer.echo(json.dumps(facts))
    elif found.plain:
        typer.echo(f"{picture}: a plain picture, not an anaglyph, unless its scene has hardly any depth")
    else:
        typer.echo(f"{picture}: {found.method} ({found.confidence:.0%} sure of '{found.method.family}')")
