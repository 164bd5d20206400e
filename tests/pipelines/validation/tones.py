"""`tones.py DIR`: how much colour of their own photographs have, and what is left of it in sepia.

The limit of `restereo.imaging.color` comes from training photographs; on any folder this shows what it does.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from restereo.image import Picture
from restereo.imaging.color import COLOURED, luma, own_colour
from restereo.imaging.degradations import jpeg
from restereo.io.read import SUFFIXES, read_picture
from restereo.progress import shown

MOST = 150
GAMMA = 0.8, 1.0, 1.35
"""Of red, green and blue: a sepia whose tint fades towards black and white."""


def toned(picture: Picture) -> Picture:
    """The picture in sepia."""
    return np.rint(255 * (luma(picture) / 255) ** np.array(GAMMA)).astype(np.uint8)


def main(folder: Path) -> None:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)[:MOST]
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {"as they are": [], "sepia, JPEG 40": [], "sepia, noise 15, JPEG 70": []}
    for file in shown(files, "photos"):
        picture = read_picture(file)
        sepia = toned(picture)
        noisy = np.clip(sepia + rng.normal(0, 15, sepia.shape), 0, 255).astype(np.uint8)
        for values, one in zip(found.values(), (picture, jpeg(sepia, 40), jpeg(noisy, 70)), strict=True):
            values.append(own_colour(one))
    for name, values in found.items():
        ends = np.percentile(values, [0, 5, 50, 95, 100]).round(1)
        share = np.mean(np.array(values) > COLOURED)
        print(f"{name:26s} {len(values)} pictures, {share:6.1%} taken for coloured; 0, 5, 50, 95, 100 %: {ends}")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    main(Path(sys.argv[1]))
