"""Four tiny degraded pictures of each task have the bytes that they had: nothing changes training inputs unnoticed."""

import hashlib
from importlib.metadata import version

import pytest

from restereo import catalog
from tests.conftest import scene_for

GOLDEN: dict[str, list[str]] = {
    "anaglyph": ["de8028347f315ac0", "f3e0800936305c9f", "435139408119cf85", "06c21bc4d32797b2"],
    "colorization": ["1a4ee1de3273bb21", "1a4ee1de3273bb21", "3d4cfd56ad9a4837", "3d4cfd56ad9a4837"],
    "old_photo": ["b19ff47ca35a5739", "fd018aa92bfd5f99", "6ad5b14597c2d7a9", "b4c8763d1d48fffd"],
    "stereo_sr": ["071e761b6fc9c913", "278f497543efc310", "064ee80133e3b2fa", "064ee80133e3b2fa"],
}
"""Of each task, the first digits of the SHA-256 of the training inputs and targets of seeds 0 to 3, as uint8."""
NO_AVX512: dict[str, list[str]] = {
    "colorization": ["fe207e395fe55458", "fe207e395fe55458", "1e638331b3aca251", "1e638331b3aca251"],
}
"""The same where a processor rounds greys otherwise: numpy leaves their sum to OpenBLAS, which differs by kind."""
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
    assert found in (GOLDEN[task], NO_AVX512.get(task)), (
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
