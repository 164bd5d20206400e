"""Methods are undone exactly, what they mix between the eyes is seen, and the likeliest comes first."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage

from restereo.imaging import families
from restereo.imaging.anaglyph import eye_channels, form
from restereo.imaging.detection import detect
from restereo.methods import METHODS

COLOURFUL = [name for name, method in METHODS.items() if method.colors in families.ODD and not method.is_grey]


@pytest.mark.parametrize("name", COLOURFUL)
def test_a_point_gets_back_the_colour_that_it_was_made_of(name: str) -> None:
    color = np.array([140, 120, 110], np.uint8)
    flat = np.tile(color, (4, 4, 1))
    points = np.tile(form(flat, flat, METHODS[name])[:1, :1].astype(float) / 255, (3, 2, 1))
    odd = families.ODD[METHODS[name].colors]
    assert odd in {channels[0] for channels in eye_channels(METHODS[name].matrix) if len(channels) == 1}
    made, rest = families.made_of(points, METHODS[name], odd)
    singular = "wimmer" in name or "stereoscopy" in name
    assert (rest is not None) == singular
    if rest is None:
        assert np.abs(made * 255 - color).max() < 8  # the other eye's colour is known by one or two channels alone
    else:
        assert np.abs(rest * 255).max() < 2 and np.abs(made * 255 - color)[:, 1:].max() < 1


def scene() -> tuple[np.ndarray, np.ndarray]:
    """A photograph of 360 px, and as an eye sees it that is 3 to 13 px away."""
    photo = cv2.imread(str(Path(skimage.__file__).parent / "data" / "astronaut.png"))[..., ::-1]
    photo = cv2.resize(photo, (360, 360), interpolation=cv2.INTER_AREA)
    height, width = photo.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(photo, x + 8 + 5 * np.sin(y / 60), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(photo), moved


@pytest.mark.parametrize(
    "name", ["red-cyan-color", "red-cyan-half", "red-cyan-dubois", "red-cyan-wimmer", "amber-blue-half"]
)
def test_the_likeliest_family_is_the_right_one(name: str) -> None:
    found = detect(form(*scene(), METHODS[name]))
    assert found.method.name == name and found.confidence > 0.5
    assert found.runner_up is None or found.runner_up.name != name


def test_what_dubois_mixes_between_the_eyes_is_measured() -> None:
    leak = {}
    for name in ("red-cyan-color", "red-cyan-dubois"):
        found = families._matches(form(*scene(), METHODS[name]), 0)
        assert found is not None and found.share > 0.6
        leak[name] = sum(families._leaks(found.gradients, 0)[2:4])  # of the right eye's green and blue in red
    assert abs(leak["red-cyan-color"]) < 0.03 and leak["red-cyan-dubois"] < -0.07
