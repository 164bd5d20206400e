"""Faults of pairs and the unit of their disparity, on made-up scenes and on real pairs."""

import csv
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.imaging import pair_faults
from tests.restereo.imaging.test_stereo import layered

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[4] / "shared" / "data"))


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
