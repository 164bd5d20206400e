"""Four tiny degraded pictures of each task have the bytes that they had: nothing changes training inputs unnoticed."""

import hashlib
from importlib.metadata import version

import pytest

from restereo import catalog
from tests.conftest import small_scene

GOLDEN: dict[str, list[str]] = {
    "anaglyph": ["de8028347f315ac0", "f3e0800936305c9f", "435139408119cf85", "06c21bc4d32797b2"],
}
"""Of each task, the first digits of the SHA-256 of the training inputs and targets of seeds 0 to 3, as uint8."""
MADE_WITH = "albumentations 2.0.8, numpy 2.4.6, opencv-python-headless 5.0.0.93"
LIBRARIES = ("albumentations", "numpy", "opencv-python-headless")


def degraded(task: str) -> list[str]:
    made = [catalog.build("task", task).draw(small_scene(7), seed) for seed in range(4)]
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


def test_the_four_differ():
    assert len({digest for task in GOLDEN for digest in degraded(task)}) == 4 * len(GOLDEN)
