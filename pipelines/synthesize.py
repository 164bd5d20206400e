"""Stage `synthesize`: pictures of a task's sources become scenes, with frozen inputs for validation and test."""

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipelines import paths
from pipelines.quiet import run_stage
from restereo.config import Params, Split, load_params
from restereo.errors import UserError
from restereo.progress import shown
from restereo.sample import Picture, Scene
from restereo.tasks import Task
from restereo.training.shards import Record, write_split

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
PHOTOS_PER_SCENE = 8
Row = dict[str, str]


def rows_of(sources: list[str], manifest: Path) -> dict[Split, list[Row]]:
    """Returns the manifest's rows of these sources, by split, in the manifest's order."""
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source"] in sources]
    return {split: [row for row in rows if row["split"] == split] for split in SPLITS}


@lru_cache(maxsize=256)
def _photo(path: str) -> Picture:
    from restereo.sources._pictures import read_picture

    return read_picture(Path(path))


def pair_scenes(rows: list[Row]) -> Iterator[tuple[Scene, dict[str, Any]]]:
    """Yields each real pair as a scene, and what the index says of it."""
    from restereo.evaluation.reader import read_scene
    from restereo.sources._pictures import PairFiles

    for row in rows:
        maps = [Path(row[key]) if row[key] else None for key in ("disparity_left", "disparity_right")]
        files = PairFiles(f"{row['source']}-{row['name']}", Path(row["path"]), Path(row["path_right"]), *maps)
        divisor = float(row["disparity_scale"]) if row["disparity_scale"] else None
        facts = {"origin": "pair", "source": row["source"], "licence": row["licence"]}
        yield read_scene(files, divisor), facts


def generated_scenes(rows: list[Row], split: Split, params: Params) -> Iterator[tuple[Scene, dict[str, Any]]]:
    """Yields random stereo scenes made of a split's photos, each a function of (seed, split, number) alone."""
    from restereo.imaging.scenes import random_scene

    settings = params.synthesize
    for number in range(settings.scenes[split] if rows else 0):
        rng = np.random.default_rng((params.seed, SPLITS.index(split), number))
        chosen = [rows[i] for i in rng.choice(len(rows), min(PHOTOS_PER_SCENE, len(rows)), replace=False)]
        made = random_scene([_photo(r["path"]) for r in chosen], rng, settings.size, settings.max_disparity)
        truth = np.concatenate([made.left, made.right], axis=-1)
        licence = " + ".join(sorted({row["licence"] for row in chosen}))
        facts = {"origin": "generated", "source": chosen[0]["source"], "licence": licence}
        yield Scene(f"generated-{number:05d}", truth, made.disparity, made.occlusion), facts


def photo_scenes(rows: list[Row]) -> Iterator[tuple[Scene, dict[str, Any]]]:
    """Yields each photo as it is, for tasks that need no pairs."""
    for row in rows:
        facts = {"origin": "photo", "source": row["source"], "licence": row["licence"]}
        yield Scene(f"{row['source']}-{row['name']}", _photo(row["path"])), facts


def scenes_of(task: Task, rows: list[Row], split: Split, params: Params) -> Iterator[tuple[Scene, dict[str, Any]]]:
    """Yields what a task learns from or is judged by in one split."""
    pairs = [row for row in rows if row["kind"] == "pair"]
    photos = [row for row in rows if row["kind"] == "photo"]
    if task.needs_pairs:
        yield from pair_scenes(pairs)
        yield from generated_scenes(photos, split, params)
    else:
        yield from photo_scenes(photos)


def records(task: Task, rows: list[Row], split: Split, params: Params) -> Iterator[Record]:
    """Yields the scenes of a split; those of validation and test with their frozen observations."""
    for scene, facts in scenes_of(task, rows, split, params):
        if split == "train":
            # Half precision is 1/32 px at 40 px: finer than any supervision needs, at half the size.
            disparity = None if scene.disparity is None else scene.disparity.astype(np.float16)
            yield Record(replace(scene, disparity=disparity), {}, facts)
        else:
            variants = task.variants(params.evaluate.jpeg_quality)
            yield Record(scene, {n: task.observe(scene.truth, q) for n, q in variants.items()}, facts)


def main(name: str) -> None:
    """Writes the shards and the index of a row of `tasks:`."""
    from restereo.training.trainer import make_task

    params = load_params()
    row = params.task(name)
    task = make_task(params, name)
    out = paths.pairs(name)
    temporary = out.with_name(f".{name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    by_split = rows_of(row.sources, paths.MANIFEST)
    limit = params.synthesize.shard_mib * 2**20
    splits = {}
    for split in SPLITS:
        splits[split] = write_split(
            temporary, split, shown(records(task, by_split[split], split, params), f"{split} scenes"), limit
        )
        if not splits[split]:
            raise UserError(
                f"{paths.MANIFEST}: no picture for split '{split}' of task '{name}'; add pictures or raise its share "
                "in section 'validate' of params.yaml."
            )
    licences = sorted({row["licence"] for rows in by_split.values() for row in rows})
    index = {"task": name, "kind": params.kinds[name], "licences": licences, "splits": splits}
    (temporary / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    shutil.rmtree(out, ignore_errors=True)
    temporary.replace(out)
    counts = ", ".join(f"{len(rows)} {split}" for split, rows in splits.items())
    print(f"{out}: {counts} scenes")


if __name__ == "__main__":
    run_stage(main)
