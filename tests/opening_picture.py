"""Makes the picture that opens README.md: `python -m tests.opening_picture`.

An anaglyph of a photo that is free of rights, given depth here, and the views that the released weights recover of it.
"""

from pathlib import Path

import cv2
import numpy as np
import skimage.data

from restereo.image import Image, Picture
from restereo.imaging.anaglyph import form
from restereo.inference.lookup import default_model, find_model
from restereo.io.write import write_picture
from restereo.methods import METHODS, parse
from tests.conftest import ROOT

FILE = ROOT / "docs" / "images" / "recovered.jpg"
WIDTH = 400
"""Px of each of the three pictures, reduced after recovering."""
GAP = 8
NEAR = 26.0
"""Px of disparity between the far end of the table and its near end."""
CUP = (300, 190, 110, 18.0)
"""Where the cup of the photo is, its radius, and how much nearer than the table it is, in px."""


def pair() -> tuple[Picture, Picture]:
    """Returns both views of scikit-image's `coffee` (CC0): a table that recedes, and a cup that stands up."""
    photo = skimage.data.coffee()
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    column, row, radius, tall = CUP
    disparity = NEAR * (y / height - 0.5) + tall * np.exp(-((((x - column) ** 2 + (y - row) ** 2) / radius**2) ** 2))
    views = (
        cv2.remap(photo, (x + half * disparity).astype(np.float32), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        for half in (-0.5, 0.5)
    )
    margin = round(NEAR)
    left, right = (np.ascontiguousarray(view[:, margin:-margin], np.uint8) for view in views)
    return left, right


def main(file: Path = FILE) -> None:
    """Writes the picture."""
    left, right = pair()
    anaglyph = form(left, right, METHODS["red-cyan-color"])
    views = find_model(default_model()).restore(Image(anaglyph), parse("red-cyan-color"), maps=False)
    size = WIDTH, round(WIDTH * left.shape[0] / left.shape[1])
    shown = [cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (anaglyph, views.left, views.right)]
    gap = np.full((size[1], GAP, 3), 255, np.uint8)
    write_picture(file, np.hstack([shown[0], gap, shown[1], gap, shown[2]]))


if __name__ == "__main__":
    main()
