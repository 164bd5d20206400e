"""Detection: the colour pair is always right, grey is known, plain photographs are told apart."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.errors import UserError
from restereo.imaging import detection
from restereo.imaging.anaglyph import form
from restereo.imaging.detection import detect
from restereo.methods import METHODS

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[4] / "shared" / "data"))
BENCH = DATA / "bench" / "stereo"
SCENES = sorted({str(path.parent.relative_to(BENCH)) for path in BENCH.rglob("left.png")})
NAMES = ["red-cyan", "green-magenta", "amber-blue", "red-blue", "red-green"]

needs_bench = pytest.mark.skipif(not SCENES, reason="no real pairs: RESTEREO_DATA is not there")


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """JPEG 4:2:0 and back."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return np.ascontiguousarray(cv2.imdecode(cv2.imencode(".jpg", picture[..., ::-1], options)[1], 1)[..., ::-1])


@needs_bench
@pytest.mark.parametrize("scene", SCENES)
def test_colours_on_every_method(scene: str, monkeypatch: pytest.MonkeyPatch) -> None:
    every = [(METHODS[f"red-cyan-{family}"], 0.5) for family in ("color", "half")]
    named = {c: [(METHODS[m.name.replace("red-cyan", c)], share) for m, share in every] for c in NAMES[:3]}
    monkeypatch.setattr(detection, "likely", lambda _, colors: named[colors])  # slow, and tested below
    left, right = (read(BENCH / scene / f"{eye}.png") for eye in ("left", "right"))
    for name in METHODS:
        anaglyph = form(left, right, METHODS[name])
        for version in (anaglyph, jpeg(anaglyph, 85), jpeg(anaglyph, 60)):
            found = detect(version)
            assert name.startswith(found.method.colors), name
            assert not found.plain, name
            assert found.method.is_grey == name.endswith("grey"), name
            assert found.method.name in METHODS
            assert 0 <= found.confidence <= 1


@pytest.mark.parametrize("colors", NAMES)
def test_little_parallax_of_both_signs(colors: str) -> None:
    """Near and far parts that are shifted apart by one percent: as a whole, no shift is better than none."""
    rng = np.random.default_rng(1)
    coarse = rng.integers(20, 236, (75, 104, 1)) * [1.0, 0.8, 0.6] + rng.integers(-15, 16, (75, 104, 3))
    view = cv2.resize(np.clip(coarse, 0, 255).astype(np.uint8), (416, 300), interpolation=cv2.INTER_CUBIC)
    depth = cv2.resize(rng.normal(size=(4, 5)).astype(np.float32), (416, 300), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(416, dtype=np.float32), np.arange(300, dtype=np.float32))
    moved = cv2.remap(view, x + 2 * np.sign(depth), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    family = "grey" if colors in {"red-blue", "red-green"} else "color"
    anaglyph = form(view[:, 8:-8].copy(), moved[:, 8:-8].copy(), METHODS[f"{colors}-{family}"])
    found = detect(anaglyph)
    assert not found.plain and found.method.colors == colors
    assert detect(view).plain


@needs_bench
@pytest.mark.parametrize("scene", SCENES)
def test_plain_photographs(scene: str) -> None:
    left = read(BENCH / scene / "left.png")
    grey = np.repeat(left[..., 1:2], 3, axis=2)
    for picture in (left, grey, *(jpeg(p, q) for p in (left, grey) for q in (85, 60))):
        assert detect(picture).plain


@needs_bench
@pytest.mark.parametrize(("quality", "least"), [(None, 0.7), (60, 0.5)])
def test_families(quality: int | None, least: float) -> None:
    """Colour, half-colour or Dubois is told with a confidence, not for certain; chance is a third."""
    right_by_family: dict[str, list[bool]] = {"color": [], "half": [], "dubois": []}
    for scene in SCENES:
        views = [read(BENCH / scene / f"{eye}.png") for eye in ("left", "right")]
        for colors in NAMES[:3]:
            for family, right in right_by_family.items():
                anaglyph = form(*views, METHODS[f"{colors}-{family}"])
                right.append(detect(anaglyph if quality is None else jpeg(anaglyph, quality)).method.family == family)
    print(quality, {family: f"{sum(right)} of {len(right)}" for family, right in right_by_family.items()})
    assert np.mean(list(right_by_family.values())) > least


@pytest.mark.parametrize(
    "name", ["persepolis.anaglyph.jpg", "wikipedia.anaglyph.jpg", "tproffen_Example.png", "2sh_anaglyph_gray.jpg"]
)
def test_real_anaglyphs(name: str) -> None:
    path = DATA / "anaglyphs" / name
    if not path.exists():
        pytest.skip("no real anaglyphs: RESTEREO_DATA is not there")
    found = detect(read(path))
    assert found.method.colors == "red-cyan"
    assert not found.plain
    assert found.method.is_grey == (name in {"tproffen_Example.png", "2sh_anaglyph_gray.jpg"})


# A night street whose eyes differ at a fence alone: the colours are told, that it is an anaglyph is not.
@pytest.mark.parametrize("family", ["color", "half_color", "dubois", "wimmer"])
def test_real_anaglyphs_with_hardly_any_parallax(family: str) -> None:
    path = DATA / "anaglyphs" / f"2sh_anaglyph_{family}.jpg"
    if not path.exists():
        pytest.skip("no real anaglyphs: RESTEREO_DATA is not there")
    assert detect(read(path)).method.colors == "red-cyan"


def test_bad_pictures() -> None:
    with pytest.raises(UserError, match="one channel"):
        detect(np.zeros((40, 40), np.uint8))
    with pytest.raises(UserError, match=r"a\.png: it is 1x1 px"):
        detect(np.zeros((1, 1, 3), np.uint8), "a.png")


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (300, 16), (41, 23)])
def test_small_and_flat_pictures_do_not_crash(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    assert detect(noise).method.colors in NAMES
    assert detect(np.full((*size, 3), 7, np.uint8)).plain
    assert detect(np.zeros((*size, 3), np.uint8)).plain
