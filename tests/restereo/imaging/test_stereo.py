"""Warping, visibility, consistency and matching, on layered scenes and planes whose answer is known."""

import numpy as np
import pytest

from restereo.imaging import stereo


def layered(near: float = 6.0, far: float = 2.0) -> tuple[np.ndarray, ...]:
    """A textured square before a textured wall: left, right, both disparity maps, both occlusion masks."""
    generator = np.random.default_rng(0)
    wall = generator.integers(0, 256, (30, 120, 3), np.uint8)
    square = generator.integers(0, 256, (30, 120, 3), np.uint8)
    views, maps = [], []
    for shift in (0, 1):  # a point at canvas column X is in the left view at X - 30, in the right at X - 30 - d
        columns = np.arange(60) + 30
        front = (columns + shift * near >= 50) & (columns + shift * near < 65)
        rows = np.zeros((30, 60), bool)
        rows[8:20] = front
        background = wall[:, (columns + shift * far).astype(int)]
        views.append(np.where(rows[..., None], square[:, (columns + shift * near).astype(int)], background))
        maps.append(np.where(rows, near, far).astype(np.float32))
    masks = []
    for index, (own, other) in enumerate([(0, 1), (1, 0)]):
        mask = np.zeros((30, 60), bool)
        for y, x in np.ndindex(30, 60):
            target = int(x - maps[own][y, x] if index == 0 else x + maps[own][y, x])
            mask[y, x] = not 0 <= target < 60 or maps[other][y, target] > maps[own][y, x]
        masks.append(mask)
    return (*views, *maps, *masks)


def test_warp_by_the_truth_gives_the_other_view_where_visible() -> None:
    left, right, d_left, d_right, hidden_left, hidden_right = layered()
    seen, inside = stereo.warp(right, d_left, "left")
    assert np.array_equal(seen[~hidden_left], left[~hidden_left])
    assert inside[~hidden_left].all()
    seen, inside = stereo.warp(left, d_right, "right")
    assert np.array_equal(seen[~hidden_right], right[~hidden_right])
    assert not inside[:, -1].any()


def test_warp_is_bilinear_and_keeps_type_and_channels() -> None:
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.float32), (3, 1))
    six = np.stack([ramp] * 6, axis=-1)
    seen, inside = stereo.warp(six, np.full(ramp.shape, 0.5), "left")
    assert seen.shape == six.shape
    assert seen.dtype == np.float32
    assert np.allclose(seen[:, 1:], six[:, 1:] - 5)
    assert inside.all()
    seen, inside = stereo.warp(ramp.astype(np.uint8), np.full(ramp.shape, np.nan), "right")
    assert np.array_equal(seen, ramp)
    assert not inside.any()


@pytest.mark.parametrize(("near", "far"), [(6.0, 2.0), (3.0, -4.0), (-2.0, -7.0)])
def test_occlusion(near: float, far: float) -> None:
    _, _, d_left, d_right, hidden_left, hidden_right = layered(near, far)
    truth = np.stack([hidden_left, hidden_right])
    assert np.array_equal(stereo.occlusion(d_left, d_right), truth)
    assert np.array_equal(stereo.occlusion(d_left), truth)
    assert np.array_equal(stereo.consistent(d_left, d_right), ~truth)
    buffer = stereo.forward_disparity(d_left)
    assert np.array_equal(np.isnan(buffer), hidden_right)
    assert np.array_equal(buffer[~hidden_right], d_right[~hidden_right])


def test_unknown_disparity_is_not_called_occluded() -> None:
    d_left, d_right = np.full((2, 8), 1.0), np.full((2, 8), 1.0)
    d_left[0, 4] = np.nan
    assert not stereo.occlusion(d_left, d_right)[:, 0, 2:6].any()
    assert not stereo.consistent(d_left, d_right)[0, 0, 4]


def test_filling() -> None:
    disparity = np.array([[0, 3, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [7, 7, 7, 7, 7, 7]], np.float32)
    filled = stereo.fill_from_farther_side(disparity, disparity > 0)
    assert filled.tolist() == [[3, 3, 1, 1, 1, 1], [3, 3, 1, 1, 1, 1], [7, 7, 7, 7, 7, 7]]
    assert not stereo.fill_from_farther_side(disparity, np.zeros_like(disparity, bool)).any()


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
