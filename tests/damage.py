"""`python -m tests.damage FOLDER`: what `old_photo_denoise` lacks, finding the damage of photos or filling it.

Its answer is compared with the same answer in which OpenCV's inpainting fills the damage that was truly done to the
photo: what would be left to gain for a network that found all of it, and filled it no better than that.
"""

import sys
from pathlib import Path

import cv2
import numpy as np

from restereo.evaluation.reader import find_photos, read_photo
from restereo.imaging.metrics import psnr
from restereo.inference.lookup import find_model
from restereo.progress import shown
from restereo.tasks import to_picture, to_tensor

NETWORK = "old_photo_denoise"
EVERY = 4
"""Of the photos, to save time."""
RADIUS = 3
"""px, of the inpainting."""


def main(folder: Path) -> None:
    """Prints the mean over photos."""
    restorer = find_model(NETWORK)
    rows = []
    for file in shown(find_photos(folder)[::EVERY], "photos"):
        scene = restorer.task.prepare(read_photo(file))
        observation = restorer.task.observe(scene.truth)
        mask = observation.mask
        assert mask is not None
        if not mask.any():
            continue
        prediction = restorer(to_tensor(observation.picture), restorer.task.operator(observation))
        answer = to_picture(prediction.image)
        filled = np.asarray(cv2.inpaint(answer, mask.astype(np.uint8), RADIUS, cv2.INPAINT_NS), np.uint8)
        assert prediction.confidence is not None
        found = prediction.confidence[0, 0].numpy(force=True) < 0.5
        rows.append(
            [psnr(one[mask], scene.truth[mask]) for one in (answer, filled)] + [found[mask].mean(), mask.mean()]
        )
    network, masked, share, damaged = np.mean(rows, axis=0)
    print(
        f"{len(rows)} photos, inside: {network:.2f} dB, if told where it is {masked:.2f} dB; "
        f"{damaged:.1%} of the pixels are damaged, {share:.0%} of those found"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
