"""What the page shows of what was restored, and the files that it offers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from restereo.app.sessions import Recovered
from restereo.image import Pixels, eight_bit
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions, describe, doubts, recover_image
from restereo.inference.restore import Command, restore_images
from restereo.io.layouts import LAYOUTS, arrange
from restereo.io.paths import targets
from restereo.io.read import read_image
from restereo.io.write import write_layout, write_picture
from restereo.methods import AnaglyphMethod

SHOWN_SIDE = 1400
"""Px of the longest side of what is shown; what is downloaded has full size."""
MAX_PIXELS = 50_000_000
"""Larger pictures are for the command line."""


def recover_upload(file: Path, restorer: Restorer, options: RecoverOptions, folder: Path) -> Recovered:
    """Returns what was recovered of an uploaded picture.

    Raises:
        UserError: It is damaged, too large, or no anaglyph.
    """
    image = read_image(file, MAX_PIXELS)
    views, found = recover_image(image, restorer, options)
    assert views.method is not None
    notes = *image.notes, *doubts(views.method, found, options.method is not None, views.matched)
    return Recovered(file.stem, image, views, folder, describe(views.method, found, views.matched), notes)


@dataclass(frozen=True)
class Improved:
    """What was restored of the pictures of a sibling task.

    Attributes:
        shown: For each picture, the files of what it was, at the result's size, and of the result.
        files: The results in full size.
        notes: What a person may want to know.
    """

    shown: Sequence[tuple[Path, Path]]
    files: Sequence[Path]
    notes: Sequence[str]


def restore_uploads(
    uploads: Sequence[Path], restorer: Restorer, command: Command, force: bool, folder: Path
) -> Improved:
    """Returns what was restored of one uploaded picture, or of the two views of one scene.

    Raises:
        UserError: A picture is damaged, too large, or refused by the command.
    """
    images = [read_image(file, MAX_PIXELS // restorer.task.scale**2) for file in uploads]
    views, notes = restore_images(images, restorer, command, force)
    pairs, files = [], []
    for number, (upload, image, view) in enumerate(zip(uploads, images, views, strict=True)):
        place = folder / str(number)  # two uploads may have one name
        place.mkdir()
        after = _reduced(view)
        size = after.shape[1], after.shape[0]
        before = np.asarray(cv2.resize(eight_bit(image.pixels), size, interpolation=cv2.INTER_CUBIC), np.uint8)
        pairs.append((place / "shown_before.png", place / "shown_after.png"))
        for file, picture in zip(pairs[-1], (before, after), strict=True):
            write_picture(file, picture)
        files.append(place / f"{upload.stem}{command.text(command.ending, restorer)}.png")
        write_picture(files[-1], view, image.metadata)
    return Improved(pairs, files, notes)


def shown(recovered: Recovered, glasses: AnaglyphMethod) -> dict[str, Path]:
    """Returns the files of what the page shows, by their names: `left`, `right`, `wiggle`, `anaglyph`, `confidence`."""
    views = recovered.views
    left, right = (_reduced(eight_bit(view)) for view in (views.left, views.right))
    files = {name: recovered.folder / f"shown_{name}.png" for name in ("left", "right", "anaglyph")}
    write_picture(files["left"], left)
    write_picture(files["right"], right)
    write_picture(files["anaglyph"], arrange(LAYOUTS["anaglyph"], left, right, glasses=glasses)[0])
    files["wiggle"] = recovered.folder / "shown_wiggle.gif"
    write_layout([files["wiggle"]], LAYOUTS["wiggle"], [left, right])
    if views.confidence is not None:
        files["confidence"] = recovered.folder / "shown_confidence.png"
        certain = arrange(LAYOUTS["confidence"], left, right, confidence=views.confidence)[0]
        write_picture(files["confidence"], _reduced(certain))
    return files


def downloads(recovered: Recovered, layout_name: str, glasses: AnaglyphMethod) -> Sequence[Path]:
    """Returns the files of a layout in full size and depth, after writing them.

    Raises:
        UserError: The layout shows a map that the network does not make.
    """
    layout, views = LAYOUTS[layout_name], recovered.views
    files = targets(Path(f"{recovered.name}.png"), [layout], recovered.folder)
    maps = views.disparity, views.confidence
    pictures = arrange(layout, views.left, views.right, *maps, glasses=glasses)
    write_layout(files, layout, pictures, recovered.image.metadata)
    return files


def _reduced(picture: Pixels) -> Pixels:
    scale = SHOWN_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
