"""`shuffled.py DIR`: the match support of real pairs, and of left views beside foreign right views.

The limits of `restereo.imaging.stereo` come from the training pairs; on any folder of pairs this shows what they do.
"""

import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from restereo.datasets.pairs import find_pairs
from restereo.image import Picture
from restereo.inference.engine import Restorer
from restereo.inference.lookup import default_model, find_model
from restereo.io.read import read_picture
from restereo.progress import shown
from restereo.tasks import Figures, to_tensor

WIDTH = 640
QUALITIES = (None, 85)


def small(file: Path) -> Picture:
    """The picture at a width that keeps this short."""
    picture = read_picture(file)
    scale = min(1.0, WIDTH / picture.shape[1])
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def trust(restorer: Restorer, left: Picture, right: Picture, quality: int | None) -> Figures:
    """What is said of the anaglyph of two views, cut to the same size, without knowing them."""
    height, width = (min(sides) for sides in zip(left.shape[:2], right.shape[:2], strict=True))
    truth = np.concatenate([left[:height, :width], right[:height, :width]], axis=-1)
    observation = restorer.task.observe(np.ascontiguousarray(truth), quality)
    prediction = restorer(to_tensor(observation.picture), restorer.task.operator(observation))
    return restorer.task.trust(prediction, observation)


def main(folder: Path) -> None:
    restorer = find_model(default_model())
    files = find_pairs(folder)
    pairs = [(small(pair.left), small(pair.right)) for pair in files]
    print("pair,right view,JPEG,residual,match_share,match_correlation")
    for number, (left, right) in enumerate(shown(pairs, "pairs")):
        foreign = pairs[(number + len(pairs) // 2) % len(pairs)][1]
        for quality in QUALITIES:
            for whose, other in (("own", right), ("foreign", foreign)):
                found = trust(restorer, left, other, quality)
                print(files[number].name, whose, quality, *(f"{v:.4f}" for v in found.values()), sep=",")


if __name__ == "__main__":
    with torch.inference_mode():
        main(Path(sys.argv[1]))
