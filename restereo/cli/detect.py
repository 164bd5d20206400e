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
    from restereo.imaging.detection import packing_of
    from restereo.io.read import read_image

    image = read_image(picture)
    pixels = eight_bit(image.pixels)
    found = detect_type(pixels, str(picture))
    packing = packing_of(pixels) if found.plain and not image.stereo else None
    stereo = image.stereo.about if image.stereo else f"a picture that holds both views {packing}" if packing else None
    if as_json:
        facts = {
            "file": str(picture),
            "plain": found.plain,
            "method": found.method.name,
            "confidence": found.confidence,
            "stereo": stereo,
            "runner_up": found.runner_up and found.runner_up.name,
        }
        typer.echo(json.dumps(facts))
    elif stereo:
        typer.echo(f"{picture}: {stereo}, not an anaglyph")
    elif found.plain:
        typer.echo(f"{picture}: a plain picture, not an anaglyph, unless its scene has hardly any depth")
    else:
        other = f"; nearly as likely {found.runner_up}" if found.runner_up else ""
        typer.echo(f"{picture}: {found.method} ({found.confidence:.0%} sure of '{found.method.family}'{other})")
    for note in image.notes:
        typer.echo(f"  note: {note}", err=True)
