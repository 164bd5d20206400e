"""What the page shows of two views, and the files that it offers."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from restereo.app.sessions import Recovered
from restereo.inference.files import write_layout, write_picture
from restereo.inference.layouts import LAYOUTS, Pixels, arrange, eight_bit
from restereo.inference.naming import targets
from restereo.inference.opening import open_photo
from restereo.inference.predictor import Restorer
from restereo.inference.recover import Wish, doubts, recover_photo, taken_for

SHOWN_SIDE = 1400
"""Px of the longest side of what is shown; what is downloaded has full size."""
MAX_PIXELS = 50_000_000
"""Larger pictures are for the command line."""


def recover_upload(file: Path, restorer: Restorer, wish: Wish, folder: Path) -> Recovered:
    """Returns what was recovered of an uploaded picture.

    Raises:
        UserError: It is damaged, too large, or no anaglyph.
    """
    photo = open_photo(file, MAX_PIXELS)
    views, found = recover_photo(photo, restorer, wish, file.name)
    notes = *photo.notes, *doubts(views.method, found, wish.method != "auto")
    return Recovered(file.stem, photo, views, folder, taken_for(views.method, found, views.matched), notes)


def shown(recovered: Recovered, glasses: str) -> dict[str, Path]:
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


def downloads(recovered: Recovered, layout_name: str, glasses: str) -> Sequence[Path]:
    """Returns the files of a layout in full size and depth, after writing them.

    Raises:
        UserError: The layout shows a map that the network does not make.
    """
    layout, views = LAYOUTS[layout_name], recovered.views
    files = targets(Path(f"{recovered.name}.png"), [layout], recovered.folder)
    maps = views.disparity, views.confidence
    pictures = arrange(layout, views.left, views.right, *maps, glasses=glasses)
    write_layout(files, layout, pictures, recovered.photo.metadata)
    return files


def _reduced(picture: Pixels) -> Pixels:
    scale = SHOWN_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
