"""Matching by eye channels on made-up pairs, whose disparity is known."""

import numpy as np
import pytest

from restereo.imaging import stereo


def pair(shift: int, size: tuple[int, int] = (60, 200)) -> tuple[np.ndarray, np.ndarray]:
    """Left and right channel of one plane at disparity `shift`; the right eye's is inverted in contrast by half."""
    height, width = size
    wall = np.random.default_rng(0).uniform(0, 255, (height, width + 2 * abs(shift))).astype(np.float32)
    start = abs(shift)
    right = wall[:, start + shift : start + shift + width] * 0.5 + 60
    return wall[:, start : start + width].copy(), right.astype(np.float32)


@pytest.mark.parametrize("shift", [0, 7, -7, 30, -45])
def test_a_plane_of_either_sign(shift: int) -> None:
    found = stereo.match(*pair(shift))
    assert found is not None
    maps, agree = found
    assert agree.mean() > 0.6
    assert np.median(maps[agree]) == pytest.approx(shift, abs=0.1)


def test_a_large_picture_is_matched_small(monkeypatch: pytest.MonkeyPatch) -> None:
    blurred = [np.kron(x, np.ones((4, 4), np.float32)) for x in pair(6)]
    monkeypatch.setattr(stereo, "CELLS", 1e6)
    found = stereo.match(*blurred)
    assert found is not None
    maps, agree = found
    assert maps.shape == (2, *blurred[0].shape)
    assert np.median(maps[agree]) == pytest.approx(24, abs=1.0)


@pytest.mark.parametrize("size", [(1, 1), (15, 40), (40, 15), (16, 16), (17, 31), (400, 16)])
def test_tiny_pictures_do_not_crash(size: tuple[int, int]) -> None:
    found = stereo.match(*pair(1, size))
    assert found is None or found[0].shape == (2, *size)


def test_nothing_to_match() -> None:
    flat = np.full((40, 50), 9, np.float32)
    assert stereo.shared_detail(flat, flat) == 0.0
    found = stereo.match(flat, flat)
    assert found is None or not np.isinf(found[0]).any()
