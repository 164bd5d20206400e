"""What the scikit-image wheel carries."""

from pathlib import Path

import numpy as np

from restereo import catalog
from restereo.datasets import no_progress
from restereo.datasets.benchmark import SCENES, has_benchmark_name, looks_like_benchmark
from restereo.datasets.pairs import PairFiles, find_pairs, read_pair
from restereo.imaging.hashing import perceptual_hash
from restereo.imaging.stereo import warp
from restereo.io.read import read_picture


def test_the_disparity_is_true_positive_and_in_px(tmp_path: Path) -> None:
    items = {i.name: i for i in catalog.build("source", "builtin").fetch(tmp_path, no_progress)}
    files = {part: tmp_path / file for part, file in items["motorcycle"].files.items()}
    pair = read_pair(PairFiles("motorcycle", files["left"], files["right"], files["disparity_left"]))
    assert pair.disparity is not None
    known = np.isfinite(pair.disparity[0])

    def error(disparity: np.ndarray) -> float:
        seen, _ = warp(pair.right, disparity, "left")
        return float(np.abs(seen.astype(float) - pair.left)[known].mean())

    right = error(pair.disparity[0])
    assert right < 12
    for wrong in (-1.0, 0.0, 0.9, 1.1):
        assert error(pair.disparity[0] * np.float32(wrong)) > 1.5 * right


def test_every_photo_is_in_colour_and_has_a_licence(tmp_path: Path) -> None:
    items = catalog.build("source", "builtin").fetch(tmp_path, no_progress)
    photos = [item for item in items if item.kind == "photo"]
    assert len(photos) == 6
    assert all(item.licence for item in items)
    for item in photos:
        assert np.ptp(read_picture(tmp_path / item.files["photo"]).astype(int), axis=-1).mean() > 5


def test_benchmark_scenes_are_known_by_name() -> None:
    known = (
        "middlebury/cones",
        "bench/2006_Aloe",
        "x/Piano-perfect",
        "kitti2012/train_000000_10",
        "k/kitti2015_000151_10",
    )
    unknown = ("me/scones", "me/pianos", "kitti2015/000000_10", "kitti2012/000000_11", "me/bagpipes")
    assert [name for name in known if not has_benchmark_name(name)] == []
    assert [name for name in unknown if has_benchmark_name(name)] == []


def test_benchmark_scenes_are_known_by_look(data: Path) -> None:
    pairs = find_pairs(data / "bench" / "stereo")
    assert len(pairs) == len(SCENES)
    for pair in pairs:
        assert looks_like_benchmark([perceptual_hash(read_picture(pair.left))]), pair.name
        assert looks_like_benchmark([perceptual_hash(read_picture(pair.right)[::2, ::2])]), pair.name
    for pair in find_pairs(data / "train" / "stereo"):
        assert not has_benchmark_name(pair.name), pair.name
        assert not looks_like_benchmark([perceptual_hash(read_picture(pair.left))]), pair.name
