"""Stereo pictures without a network: read in any form, shown in any other, made into anaglyphs, and told apart."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

from restereo.errors import Parameter, UserError
from restereo.image import Image, Pixels, eight_bit
from restereo.imaging import detection
from restereo.imaging.anaglyph import form
from restereo.io.defaults import GLASSES, QUALITY
from restereo.io.layouts import LAYOUTS, Layout, arrange, find_layout, split
from restereo.io.paths import keep_source, targets
from restereo.io.read import as_image, read_image
from restereo.io.write import check_target, not_kept, write_layout
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


def anaglyph(left: AnyPicture, right: AnyPicture | None = None, method: str | AnaglyphMethod = "red-cyan") -> Image:
    """Returns the anaglyph of two views, 8 bits a channel, with what the left one's file says.

    Args:
        left: The left view, or a stereo picture.
        right: The right view, of the same size; None = `left` holds both.
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
    first, second = read_views(left if right is None else (left, right))
    return replace(first, pixels=form(eight_bit(first.pixels), eight_bit(second.pixels), how), stereo=None)


def convert(
    source: AnyPicture | tuple[AnyPicture, AnyPicture],
    out: str | Path,
    layout: str = "sbs",
    *,
    source_layout: str | None = None,
    swap: bool = False,
    glasses: str | AnaglyphMethod = GLASSES,
    quality: int = QUALITY,
    on_note: Callable[[str], None] = lambda message: None,
) -> Sequence[Path]:
    """Returns the files written: a stereo picture, or the pictures of both eyes, in another layout.

    Args:
        source: The stereo picture, or a tuple of left and right view.
        out: File to write; a layout of two files adds `_L` and `_R` to its stem.
        layout: How the views are shown; `restereo.io.layouts.LAYOUTS` lists them.
        source_layout: How the stereo picture shows them; by default as its file, its name or its content says.
        swap: Whether the source holds the right view where it should hold the left one.
        glasses: Method of layout `anaglyph`.
        quality: Of JPEG files.
        on_note: Called with a sentence on each thing that is not kept.

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
    how = glasses if isinstance(glasses, AnaglyphMethod) else parse(glasses)
    sources = source if isinstance(source, tuple) else (source,)
    read = [Path(one) for one in sources if isinstance(one, str | Path)]
    files = targets(read[0] if read else Path("the picture"), [chosen], path)
    for file in files:
        check_target(file)
        for one in read:
            keep_source(file, one)
    left, right = read_views(source, None if source_layout is None else find_layout(source_layout))
    if swap:
        left, right = right, left
    write_layout(files, chosen, arrange(chosen, left.pixels, right.pixels, glasses=how), left.metadata, quality)
    for note in dict.fromkeys([*left.notes, *right.notes, *not_kept(files, left, chosen)]):
        on_note(note)
    return files


def read_views(source: AnyPicture | tuple[AnyPicture, AnyPicture], layout: Layout | None = None) -> tuple[Image, Image]:
    """Returns left and right view of a stereo picture, or of two pictures of one size.

    Args:
        source: The picture, or both views.
        layout: How it shows them; by default as its file says, or else its name, or else its content.

    Raises:
        UserError: One is damaged, they differ in size, or it does not seem to hold two views.
    """
    if isinstance(source, tuple):
        return _same_size(as_image(source[0]), as_image(source[1]))
    image = as_image(source)
    said = image.stereo if layout is None else None
    if said and said.frames:
        left, right = (replace(read_image(Path(image.name), frame=frame), stereo=None) for frame in said.frames)
        return _same_size(left, right)
    chosen = layout or (LAYOUTS[said.layout] if said else _layout_of(image))
    if chosen.axis is not None and image.pixels.shape[chosen.axis] % 2:
        image = _without_middle(image, chosen.axis)
    views = split(chosen, image.pixels, image.name)
    first, second = views[::-1] if said and said.swapped else views
    return replace(image, pixels=first, stereo=None), replace(image, pixels=second, stereo=None)


def _without_middle(image: Image, axis: int) -> Image:
    """Returns the picture without its middle row or column, and a note on it: of two equal views the side is even."""
    side = image.pixels.shape[axis]
    note = f"the middle one of its {side} {'columns' if axis else 'rows'}, of neither view, was left out"
    return replace(image, pixels=np.delete(image.pixels, side // 2, axis=axis), notes=(*image.notes, note))


def _same_size(left: Image, right: Image) -> tuple[Image, Image]:
    if left.pixels.shape != right.pixels.shape:
        what = f"{right.width}x{right.height}, but {Path(left.name).name} is {left.width}x{left.height}"
        raise UserError(what, where=right.name, remedy="both eyes need the same size")
    if left.metadata.icc != right.metadata.icc:
        note = f"{right.name}: has another colour profile than the left view, whose profile is kept"
        return left, replace(right, notes=(*right.notes, note))
    return left, right


def _layout_of(image: Image) -> Layout:
    stem = Path(image.name).stem
    for layout in LAYOUTS.values():
        if layout.axis is not None and any(suffix and stem.endswith(suffix) for suffix in layout.suffixes):
            return layout
    packing = detection.packing_of(eight_bit(image.pixels))
    if packing is None:
        remedy = "say how it shows them with ", Parameter("source_layout")
        raise UserError("does not seem to hold two views", where=image.name, remedy=remedy)
    return LAYOUTS["sbs" if packing == "side by side" else "tb"]
