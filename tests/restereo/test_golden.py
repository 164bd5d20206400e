"""Four tiny degraded pictures of each task have the bytes that they had: nothing changes training inputs unnoticed."""

import hashlib
from importlib.metadata import version

import pytest

from restereo import catalog
from tests.conftest import scene_for

GOLDEN: dict[str, list[str]] = {
    "anaglyph": ["3742883e2d9b8c55", "f3e0800936305c9f", "435139408119cf85", "55ea8099385760c9"],
    "colorization": ["88cc150adcf03956", "88cc150adcf03956", "5f78d646bbdec2d1", "5f78d646bbdec2d1"],
    "old_photo": ["3ee0f37106c566a1", "5185c00ab83753d8", "8dd6de7ea67a07d6", "8154d8d21b30ef5b"],
    "stereo_sr": ["071e761b6fc9c913", "278f497543efc310", "064ee80133e3b2fa", "064ee80133e3b2fa"],
}
"""Of each task, the first digits of the SHA-256 of the training inputs and targets of seeds 0 to 3, as uint8."""
MADE_WITH = "albumentations 2.0.8, numpy 2.4.6, opencv-python-headless 5.0.0.93"
LIBRARIES = ("albumentations", "numpy", "opencv-python-headless")


def degraded(task: str) -> list[str]:
    built = catalog.build("task", task)
    made = [built.draw(scene_for(built, 7), seed) for seed in range(4)]
    pictures = [observation.picture.tobytes() + scene.truth.tobytes() for scene, observation in made]
    return [hashlib.sha256(picture).hexdigest()[:16] for picture in pictures]


@pytest.mark.parametrize("task", catalog.names("task"))
def test_degraded_pictures_have_the_bytes_they_had(task):
    found, here = degraded(task), ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    assert task in GOLDEN, f"a new task: add to GOLDEN '{task}': {found}"
    assert found == GOLDEN[task], (
        f"training inputs of '{task}' have changed, and with them all weights trained from now on. The digests are of "
        f"{MADE_WITH} on x86-64 with AVX2 (here: {here}): another OpenCV, another libjpeg in it, or another "
        "kind of processor may round one value differently, which is no fault. If the change is meant, write the new "
        "digests into GOLDEN and say so in CHANGELOG.md."
    )


def test_tasks_and_seeds_differ():
    """A task that only mirrors a picture has two examples of it, and so twice the same."""
    found = {task: set(degraded(task)) for task in GOLDEN}
    assert all(len(digests) > 1 for digests in found.values()) and len(found["anaglyph"]) == 4
    assert len(set.union(*found.values())) == sum(map(len, found.values()))
