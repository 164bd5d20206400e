"""What tests share: the folder of real pictures, and tiny scenes that need none."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from restereo.image import Picture
from restereo.sample import Scene
from restereo.tasks import Task
from restereo.training.shards import Record, write_split

ROOT = Path(__file__).parent.parent
collect_ignore = ["bench"]  # `make bench`: it measures, and takes minutes


def real_data() -> Path | None:
    """The folder of real pictures: `RESTEREO_DATA`, else beside the checkout."""
    folder = Path(os.environ.get("RESTEREO_DATA") or ROOT.parent / "shared" / "data")
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def data() -> Path:
    folder = real_data()
    if folder is None:
        pytest.skip("no real pictures here; name their folder with RESTEREO_DATA")
    return folder


def smooth_picture(seed: int, height: int, width: int, channels: int = 3) -> Picture:
    """A picture of coarse random colours: something a network can learn from."""
    import cv2

    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, channels), np.uint8)
    views = [
        cv2.resize(coarse[..., c : c + 3], (width, height), interpolation=cv2.INTER_CUBIC)
        for c in range(0, channels, 3)
    ]
    return np.concatenate(views, axis=-1)


def small_scene(seed: int, height: int = 40, width: int = 48) -> Scene:
    """A scene of two equal views: disparity 0, nothing occluded."""
    view = smooth_picture(seed, height, width)
    disparity = np.zeros((2, height, width), np.float32)
    occlusion = np.zeros((2, height, width), np.bool_)
    return Scene(f"small-{seed}", np.concatenate([view, view], axis=-1), disparity, occlusion)


def scene_for(task: Task, seed: int) -> Scene:
    """A small scene of as many views as the task restores."""
    scene = small_scene(seed)
    return task.prepare(replace(scene, truth=scene.truth[..., : task.channels_out]))


def write_scenes(folder: Path, task: Task, counts: dict[str, int]) -> Path:
    """A folder as stage synthesize writes it, of small scenes."""
    import json

    folder.mkdir(parents=True)
    splits = {}
    for offset, (split, count) in enumerate(counts.items()):
        scenes = [small_scene(100 * offset + number) for number in range(count)]
        variants = {} if split == "train" else task.variants(85)
        records = [
            Record(
                s, {n: task.observe(s.truth, q) for n, q in variants.items()}, {"licence": "CC0", "origin": "generated"}
            )
            for s in scenes
        ]
        splits[split] = write_split(folder, split, records, 2**20)
    index = {"task": "anaglyph", "kind": "anaglyph", "licences": ["CC0"], "splits": splits}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture(scope="session")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six training, two validation and two test scenes of the anaglyph task."""
    from restereo import catalog

    folder = tmp_path_factory.mktemp("scenes") / "anaglyph"
    return write_scenes(folder, catalog.build("task", "anaglyph"), {"train": 6, "validation": 2, "test": 2})
