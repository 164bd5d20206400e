"""What the scikit-image wheel carries: one real stereo pair with true disparity, and colour photos.

Nothing is downloaded. Licences are those that `skimage/data/_fetchers.py` states for each file.
"""

import shutil
from pathlib import Path
from typing import Final, Literal, final

import numpy as np
import skimage

from restereo.datasets import Item, Progress, Source
from restereo.errors import UserError

MIDDLEBURY = "Middlebury: use and publication permitted, cite"

# Not the retina: smooth and black around, it gives nothing to match.
PHOTOS = {
    "astronaut.png": "public domain (NASA)",
    "chelsea.png": "CC0-1.0",
    "coffee.png": "CC0-1.0",
    "hubble_deep_field.jpg": "public domain (NASA)",
    "ihc.png": "no known copyright restrictions",
    "rocket.jpg": "public domain (SpaceX)",
}

SPLITS: Final[dict[str, Literal["train", "validation", "test"]]] = {
    "astronaut": "train",
    "chelsea": "test",
    "coffee": "validation",
    "hubble_deep_field": "train",
    "ihc": "train",
    "motorcycle": "test",
    "rocket": "test",
}
"""Seven are too few to be left to chance."""


@final
class Builtin(Source):
    """The Middlebury Motorcycle pair (741x500) and six photos."""

    def fetch(self, destination: Path, progress: Progress) -> list[Item]:
        """Returns the pair and the photos. Original bytes, save for the disparity: NPZ becomes NPY."""
        folder = Path(skimage.__file__).parent / "data"
        total = len(PHOTOS) + 1
        items = [_motorcycle(folder, destination)]
        progress(1, total)
        for done, (file, licence) in enumerate(PHOTOS.items(), start=2):
            _copy(folder / file, destination / file)
            name = Path(file).stem
            origin = f"scikit-image {file}"
            items.append(Item(name, "photo", name, {"photo": file}, licence, origin, split=SPLITS[name]))
            progress(done, total)
        return sorted(items, key=lambda item: item.name)


def _motorcycle(folder: Path, destination: Path) -> Item:
    for side in ("left", "right"):
        _copy(folder / f"motorcycle_{side}.png", destination / f"motorcycle_{side}.png")
    archive = folder / "motorcycle_disp.npz"
    if not archive.exists():
        raise UserError(_missing(archive))
    with np.load(archive) as content:
        # px, positive = near, the left eye's; infinite where the scanner saw nothing.
        np.save(destination / "motorcycle_disp_left.npy", content["arr_0"].astype(np.float32))
    files = {
        "left": "motorcycle_left.png",
        "right": "motorcycle_right.png",
        "disparity_left": "motorcycle_disp_left.npy",
    }
    origin = "scikit-image motorcycle (Middlebury 2014, a quarter of its size)"
    return Item("motorcycle", "pair", "motorcycle", files, MIDDLEBURY, origin, split=SPLITS["motorcycle"])


def _copy(file: Path, target: Path) -> None:
    try:
        shutil.copyfile(file, target)
    except FileNotFoundError:
        raise UserError(_missing(file)) from None


def _missing(file: Path) -> str:
    return f"{file}: part of the scikit-image wheel, but not there; install scikit-image again."


def build() -> Builtin:
    """Returns the source.

    Example:
        >>> type(build()).__name__
        'Builtin'
    """
    return Builtin()
