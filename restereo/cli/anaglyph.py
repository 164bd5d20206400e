"""`restereo anaglyph`: two views in, one anaglyph out."""

from pathlib import Path
from typing import Annotated

import typer

from restereo.cli.options import Method
from restereo.methods import parse


def anaglyph(
    left: Annotated[Path, typer.Argument(help="Left view.")],
    right: Annotated[Path, typer.Argument(help="Right view.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Picture to write.")],
    method: Method = "red-cyan",
) -> None:
    """Makes an anaglyph of two views.

    Example: `restereo anaglyph left.png right.png -o anaglyph.png --method green-magenta-half`
    """
    from restereo.datasets.pairs import PairFiles, read_pair
    from restereo.imaging.anaglyph import form
    from restereo.io.paths import keep_source
    from restereo.io.read import check_regular
    from restereo.io.write import PLAIN, check_target, write_picture

    how = parse(method)
    check_target(out, PLAIN)
    for view in (left, right):
        check_regular(view)
        keep_source(out, view)
    pair = read_pair(PairFiles(left.stem, left, right))
    write_picture(out, form(pair.left, pair.right, how))
    typer.echo(f"{out}: {how.name}")
