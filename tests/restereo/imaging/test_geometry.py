"""Warping, visibility and consistency, on layered scenes whose answer is known and on real pairs."""

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.imaging import pair_faults, stereo

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[4] / "shared" / "data"))


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


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1])


def known_scales() -> list[tuple[Path, float]]:
    if not (DATA / "manifest.csv").exists():
        return []
    with (DATA / "manifest.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if "disp_left" in row["path"]]
    return [(DATA / row["path"], float(row["disparity_scale"])) for row in rows]


def test_scale_of_real_disparity_maps() -> None:
    if not known_scales():
        pytest.skip("no real pairs: RESTEREO_DATA is not there")
    wrong = {}
    for path, scale in known_scales():
        left, right = (read(next(path.parent.glob(f"{eye}.*"))) for eye in ("left", "right"))
        raw = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32)
        # OpenCV divides a PFM by its header's scale, which Middlebury wrote for display only (1 / 255).
        raw = raw / np.float32(255) if path.suffix == ".pfm" else raw
        raw = raw[..., 0] if raw.ndim == 3 else raw
        found = pair_faults.infer_disparity_scale(left, right, raw)
        if found != scale:
            wrong[str(path)] = found
    assert not wrong


def test_scale_of_an_unrelated_map_is_unknown() -> None:
    left, right, d_left, *_ = layered()
    noise = np.random.default_rng(1).integers(1, 255, d_left.shape)
    assert pair_faults.infer_disparity_scale(left, right, noise) == 0.0
    assert pair_faults.infer_disparity_scale(left, right, np.zeros_like(d_left)) == 0.0


def test_vertical_offset() -> None:
    flat = np.full((80, 90, 3), 128, np.uint8)
    assert np.isnan(pair_faults.vertical_offset(flat, flat))
    assert np.isnan(pair_faults.vertical_offset(flat[:1, :1], flat[:1, :1]))
    scene = DATA / "bench/stereo/middlebury_2003/cones"
    if not scene.exists():
        pytest.skip("no real pairs: RESTEREO_DATA is not there")
    left, right = read(scene / "left.png"), read(scene / "right.png")
    assert abs(pair_faults.vertical_offset(left, right)) <= 0.5
    assert pair_faults.vertical_offset(left[:-7], right[7:]) == pytest.approx(-7, abs=0.5)
    unrelated = read(DATA / "bench/stereo/middlebury_2003/teddy/right.png")
    assert np.isnan(pair_faults.vertical_offset(left, unrelated))
