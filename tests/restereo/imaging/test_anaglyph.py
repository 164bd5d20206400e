"""Anaglyph formation against ffmpeg, recorded and live, and against a plain float64 reference."""

import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.errors import UserError
from restereo.imaging.anaglyph import eye_channels, form
from restereo.methods import FFMPEG, METHODS, AnaglyphMethod, parse

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[4] / "shared" / "data"))
LATTICE = DATA.parent / "reference" / "stereo3d" / "lattice"


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def random_pair(seed: int = 0, size: tuple[int, int] = (37, 53)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (*size, 3), np.uint8), generator.integers(0, 256, (*size, 3), np.uint8)


def _reference_fixed(left: np.ndarray, right: np.ndarray, method: AnaglyphMethod) -> np.ndarray:
    """ffmpeg's loop, in Python integers."""
    out = np.zeros(left.shape, np.uint8)
    for y, x in np.ndindex(left.shape[:2]):
        values = [int(v) for v in (*left[y, x], *right[y, x])]
        for c, row in enumerate(method.fixed or ()):
            out[y, x, c] = min(max(sum(w * v for w, v in zip(row, values, strict=True)) >> 16, 0), 255)
    return out


def _reference_float(left: np.ndarray, right: np.ndarray, method: AnaglyphMethod) -> np.ndarray:
    """The definition, one pixel at a time."""

    def decode(v: float) -> float:
        return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4

    def encode(v: float) -> float:
        return v * 12.92 if v <= 0.0031308 else 1.055 * v ** (1 / 2.4) - 0.055

    out = np.zeros(left.shape)
    for y, x in np.ndindex(left.shape[:2]):
        eyes = [[v / 255 for v in eye[y, x]] for eye in (left, right)]
        if method.transfer == "linear":
            eyes = [[decode(v) for v in eye] for eye in eyes]
        for c, row in enumerate(method.matrix):
            shares = [sum(w * v for w, v in zip(row[3 * i : 3 * i + 3], eyes[i], strict=True)) for i in (0, 1)]
            if method.clip == "eyes":
                shares = [min(max(s, 0), 1) for s in shares]
            value = min(max(sum(shares), 0), 1)
            value = encode(value) if method.transfer == "linear" else value
            out[y, x, c] = 255 * value ** (1 / method.exponent[c])
    return out


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if m.fixed])
def test_fixed_equals_integer_reference(name: str) -> None:
    left, right = random_pair()
    assert np.array_equal(form(left, right, METHODS[name]), _reference_fixed(left, right, METHODS[name]))


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if not m.fixed])
def test_float_equals_reference(name: str) -> None:
    left, right = random_pair(1)
    difference = np.abs(form(left, right, METHODS[name]) - _reference_float(left, right, METHODS[name]))
    assert difference.max() <= 0.5 + 1e-4


@pytest.mark.parametrize("code", FFMPEG)
def test_lattice_of_ffmpeg(code: str) -> None:
    if not LATTICE.exists():
        pytest.skip("no ffmpeg reference pictures beside RESTEREO_DATA")
    left, right = read(LATTICE / "L.png"), read(LATTICE / "R.png")
    assert np.array_equal(form(left, right, FFMPEG[code]), read(LATTICE / f"{code}.png"))


def ffmpeg(left: np.ndarray, right: np.ndarray, code: str) -> np.ndarray:
    height, width = left.shape[:2]
    size = f"{2 * width}x{height}"
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    program = ["ffmpeg", "-v", "error", *raw, "-s", size, "-i", "-"]
    filters = ["-vf", f"format=rgb24,stereo3d=in=sbsl:out={code},format=rgb24", "-frames:v", "1"]
    both = np.concatenate([left, right], axis=1).tobytes()
    done = subprocess.run([*program, *filters, *raw, "-"], input=both, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(height, width, 3)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.parametrize("code", FFMPEG)
def test_live_ffmpeg(code: str) -> None:
    pairs = [random_pair(2, (64, 96))]
    scenes = ("middlebury_2003/cones", "kitti2015/train_000046_10")
    pairs += [
        (read(DATA / "bench/stereo" / s / "left.png"), read(DATA / "bench/stereo" / s / "right.png"))
        for s in scenes
        if (DATA / "bench/stereo" / s).exists()
    ]
    for left, right in pairs:
        assert np.array_equal(form(left, right, FFMPEG[code]), ffmpeg(left, right, code))


@pytest.mark.parametrize("name", METHODS)
def test_first_colour_is_the_left_eye(name: str) -> None:
    first = {"red": 0, "green": 1, "amber": 0}[name.split("-", maxsplit=1)[0]]
    left, right = eye_channels(METHODS[name].matrix)
    assert first in left
    assert first not in right
    swapped = METHODS[name].swapped()
    assert eye_channels(swapped.matrix) == (right, left)
    assert swapped.swapped() == METHODS[name]
    assert parse(swapped.name) == swapped
    assert (swapped.base, swapped.first_eye) == (name, "right")
    assert swapped.name == f"{swapped.colors}-{swapped.family}-swapped"
    a, b = random_pair(3, (5, 7))
    assert np.array_equal(form(a, b, METHODS[name]), form(b, a, swapped))


def test_rows_of_white_stay_in_range() -> None:
    white = np.full((1, 1, 3), 255, np.uint8)
    for method in METHODS.values():
        lit = {c for eye in eye_channels(method.matrix) for c in eye}
        assert all(form(white, white, method)[0, 0, c] > (225 if c in lit else -1) for c in range(3)), method.name


@pytest.mark.parametrize("code", FFMPEG)
def test_an_ffmpeg_mode_can_be_swapped(code: str) -> None:
    swapped = parse(f"{code}-swapped")
    assert swapped == FFMPEG[code].swapped() != FFMPEG[code]
    assert parse(swapped.name) == swapped
    a, b = random_pair(4, (5, 7))
    assert np.array_equal(form(a, b, FFMPEG[code]), form(b, a, swapped))
    with pytest.raises(UserError, match="unknown anaglyph method"):
        parse(f"{code}-swapped-swapped")


def test_names() -> None:
    assert parse("green-magenta") is METHODS["green-magenta-color"]
    assert parse("arcd") is METHODS["red-cyan-dubois"]
    with pytest.raises(UserError, match="did you mean 'red-cyan-dubois'"):
        parse("red-cyan-duboi")


def test_bad_pictures() -> None:
    left, right = random_pair()
    with pytest.raises(UserError, match="different sizes"):
        form(left, right[1:], METHODS["red-cyan-color"])
    with pytest.raises(UserError, match="8-bit RGB"):
        form(left[..., 0], right[..., 0], METHODS["red-cyan-color"])


def test_views_into_larger_arrays() -> None:
    six = np.random.default_rng(4).integers(0, 256, (9, 11, 6), np.uint8)[1:-1, 2:-2]
    for method in METHODS.values():
        expected = form(six[..., :3].copy(), six[..., 3:].copy(), method)
        assert np.array_equal(form(six[..., :3], six[..., 3:], method), expected)
