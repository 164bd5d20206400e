"""Stereo pictures without a network: read in any form, shown in any other, made into anaglyphs, and told apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import PIL.Image

from restereo.errors import Parameter, UserError
from restereo.image import Image, Pixels, eight_bit
from restereo.imaging import detection
from restereo.imaging.anaglyph import form
from restereo.io.defaults import GLASSES, QUALITY
from restereo.io.layouts import LAYOUTS, Layout, arrange, find_layout, split
from restereo.io.paths import targets
from restereo.io.read import as_image, read_picture
from restereo.io.write import write_layout
from restereo.methods import AnaglyphMethod, parse

AnyPicture = str | Path | PIL.Image.Image | Pixels | Image
"""What a programmer may have: a file's name, a Pillow picture, an `(H, W, 3)` RGB array of 8 or 16 bits, an `Image`."""


def detect(picture: AnyPicture) -> detection.Detection:
    """Returns whether a picture is an anaglyph (`plain` if not), of what `method`, and how sure that is.

    Which eye sees which colour cannot be told from a picture; the first colour is taken for the left one.

    Raises:
        UserError: The picture is damaged, or smaller than 16 px.

    Example:
        >>> import skimage
        >>> detect(Path(skimage.__file__).parent / "data" / "coffee.png").plain
        True
    """
    image = as_image(picture)
    return detection.detect(eight_bit(image.pixels), image.name)


def anaglyph(left: AnyPicture, right: AnyPicture, method: str | AnaglyphMethod = "red-cyan") -> Image:
    """Returns the anaglyph of two views, 8 bits a channel, with what the left one's file says.

    Args:
        left: The left view.
        right: The right view, of the same size.
        method: How it is made, such as `green-magenta-half`.

    Raises:
        UserError: A view is damaged, they differ in size, or there is no such method.

    Example:
        >>> import numpy as np
        >>> left, right = np.full((1, 1, 3), 10, np.uint8), np.full((1, 1, 3), 90, np.uint8)
        >>> anaglyph(left, right).pixels.tolist()
        [[[10, 90, 90]]]
    """
    how = method if isinstance(method, AnaglyphMethod) else parse(method)
    first, second = as_image(left), as_image(right)
    return replace(first, pixels=form(eight_bit(first.pixels), eight_bit(second.pixels), how))


def convert(
    source: AnyPicture | tuple[AnyPicture, AnyPicture],
    out: str | Path,
    layout: str = "sbs",
    *,
    source_layout: str | None = None,
    glasses: str | AnaglyphMethod = GLASSES,
    quality: int = QUALITY,
) -> Sequence[Path]:
    """Returns the files written: a stereo picture, or the pictures of both eyes, in another layout.

    Args:
        source: The stereo picture, or a tuple of left and right view.
        out: File to write; a layout of two files adds `_L` and `_R` to its stem.
        layout: How the views are shown; `restereo.io.layouts.LAYOUTS` lists them.
        source_layout: How the stereo picture shows them; by default as its name or its content says.
        glasses: Method of layout `anaglyph`.
        quality: Of JPEG files.

    Raises:
        UserError: A picture is damaged, is no stereo picture, or the layout cannot be written to this file.

    Example:
        >>> import tempfile, numpy as np
        >>> folder = Path(tempfile.mkdtemp())
        >>> view = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
        >>> convert((view[:, 2:], view[:, :-2]), folder / "a.png", "tb")[0].name
        'a.png'
        >>> [file.name for file in convert(folder / "a.png", folder / "b.png", "pair")]
        ['b_L.png', 'b_R.png']
    """
    chosen, path = find_layout(layout), Path(out)
    if isinstance(source, tuple):
        left, right = (as_image(view) for view in source)
        named = Path(left.name)
    else:
        left, right = read_views(source, None if source_layout is None else find_layout(source_layout))
        named = Path(left.name)
    how = glasses if isinstance(glasses, AnaglyphMethod) else parse(glasses)
    files = targets(named, [chosen], path)
    write_layout(files, chosen, arrange(chosen, left.pixels, right.pixels, glasses=how), left.metadata, quality)
    return files


def read_views(source: AnyPicture, layout: Layout | None = None) -> tuple[Image, Image]:
    """Returns left and right view of a stereo picture.

    Args:
        source: The picture. Files `.mpo` and `.jps` say themselves how they hold the views.
        layout: How others show them; by default as the name or else the content says.

    Raises:
        UserError: It is damaged, or does not seem to hold two views.
    """
    image = as_image(source)
    path = Path(image.name)
    ending = path.suffix.lower()
    if ending == ".mpo":
        return image, replace(image, pixels=read_picture(path, frame=1))
    if ending in {".jps", ".pns"}:
        layout = LAYOUTS["jps"]
    left, right = split(layout or _layout_of(image, path.stem), image.pixels, image.name)
    return replace(image, pixels=left), replace(image, pixels=right)


def _layout_of(image: Image, stem: str) -> Layout:
    for layout in LAYOUTS.values():
        if layout.axis is not None and any(suffix and stem.endswith(suffix) for suffix in layout.suffixes):
            return layout
    packing = detection.packing_of(eight_bit(image.pixels))
    if packing is None:
        remedy = "say how it shows them with ", Parameter("source_layout")
        raise UserError("does not seem to hold two views", where=image.name, remedy=remedy)
    return LAYOUTS["sbs" if packing == "side by side" else "tb"]
