"""Stage `synthesize`: pictures of a task's sources become scenes, with frozen inputs for validation and test."""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Subset

from pipelines import paths
from pipelines.environment import exclusive, run_stage
from pipelines.validation.splits import require_splits
from restereo import catalog
from restereo.config import SPLITS, Params, Split, load_params
from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging.degradations import downscale, downscale_to_side
from restereo.progress import shown
from restereo.sample import Scene
from restereo.tasks import Task
from restereo.training.shards import Record, finished, write_split

PHOTOS_PER_SCENE = 8
LOCK_SECONDS = 15.0
FILE_KEYS = ("path", "disparity_left", "disparity_right")
"""Columns of the manifest that name files, or start with these."""
Row = dict[str, str]
T = TypeVar("T")


def rows_of(sources: list[str], manifest: Path) -> dict[Split, list[Row]]:
    """Returns the manifest's rows of these sources, by split, in the manifest's order."""
    with manifest.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["source"] in sources]
    return {split: [row for row in rows if row["split"] == split] for split in SPLITS}


@lru_cache(maxsize=256)
def _photo(path: str) -> Picture:
    from restereo.io.read import read_picture

    return read_picture(Path(path))


@dataclass(frozen=True)
class Scenes(Dataset[Record]):
    """The scenes of one split. Number i is a pure function of these fields and i: order and processes change nothing.

    Attributes:
        task: The row's task.
        split: `train`, `validation` or `test`.
        rows: The manifest's rows of this split.
        params: The checked parameters.
    """

    task: Task
    split: Split
    rows: list[Row]
    params: Params

    @cached_property
    def real(self) -> list[Row]:
        """The rows that become one scene each: pairs, or photos for a task that needs no pairs."""
        return [row for row in self.rows if row["kind"] == ("pair" if self.task.needs_pairs else "photo")]

    @cached_property
    def photos(self) -> list[Row]:
        """The rows that generated scenes are made of."""
        return [row for row in self.rows if row["kind"] == "photo"] if self.task.needs_pairs else []

    def __len__(self) -> int:
        """Returns how many scenes there are: real ones first, then those made of photos."""
        return len(self.real) + (self.params.synthesize.scenes[self.split] if self.photos else 0)

    def __getitem__(self, number: int) -> Record:
        """Returns one scene; one of validation or test with its frozen observations."""
        scene, facts = self.scene(number)
        if self.split == "train":
            if facts["origin"] == "pair":
                scene = downscale(scene, self.params.synthesize.max_pair_width)
            if self.task.working_size is not None:
                scene = downscale_to_side(scene, self.task.working_size)
            # Half precision is 1/32 px at 40 px: finer than any supervision needs, at half the size.
            disparity = None if scene.disparity is None else scene.disparity.astype(np.float16)
            return Record(replace(scene, disparity=disparity), {}, facts)
        variants = self.task.variants(self.params.evaluate.jpeg_quality)
        return Record(scene, {name: self.task.observe(scene.truth, q) for name, q in variants.items()}, facts)

    def scene(self, number: int) -> tuple[Scene, dict[str, Any]]:
        """Returns one scene, and what the index says of it."""
        if number >= len(self.real):
            scene, facts = generated_scene(self.photos, self.split, number - len(self.real), self.params)
        else:
            scene, facts = (pair_scene if self.task.needs_pairs else photo_scene)(self.real[number])
        return self.task.prepare(scene), facts


def pair_scene(row: Row) -> tuple[Scene, dict[str, Any]]:
    """Returns a real pair as a scene, and what the index says of it."""
    from restereo.datasets.pairs import PairFiles
    from restereo.evaluation.reader import read_scene

    maps = [Path(row[key]) if row[key] else None for key in ("disparity_left", "disparity_right")]
    files = PairFiles(f"{row['source']}-{row['name']}", Path(row["path"]), Path(row["path_right"]), *maps)
    divisor = float(row["disparity_scale"]) if row["disparity_scale"] else None
    facts = {"origin": "pair", "source": row["source"], "licence": row["licence"]}
    return read_scene(files, divisor), facts


def generated_scene(photos: list[Row], split: Split, number: int, params: Params) -> tuple[Scene, dict[str, Any]]:
    """Returns a random stereo scene made of a split's photos: a function of (seed, split, number) and these alone."""
    from restereo.imaging.scenes import random_scene

    settings = params.synthesize
    rng = np.random.default_rng((params.seed, SPLITS.index(split), number))
    chosen = [photos[i] for i in rng.choice(len(photos), min(PHOTOS_PER_SCENE, len(photos)), replace=False)]
    made = random_scene([_photo(r["path"]) for r in chosen], rng, settings.size, settings.max_disparity)
    truth = np.concatenate([made.left, made.right], axis=-1)
    licence = " + ".join(sorted({row["licence"] for row in chosen}))
    facts = {"origin": "generated", "source": chosen[0]["source"], "licence": licence}
    return Scene(f"generated-{number:05d}", truth, made.disparity, made.occlusion), facts


def photo_scene(row: Row) -> tuple[Scene, dict[str, Any]]:
    """Returns a photo as it is, for a task that needs no pairs, and what the index says of it."""
    facts = {"origin": "photo", "source": row["source"], "licence": row["licence"]}
    return Scene(f"{row['source']}-{row['name']}", _photo(row["path"])), facts


def main(name: str) -> None:
    """Writes the shards and the index of a row of `tasks:`; what a killed one finished is kept.

    `RESTEREO_WORKERS` is how many processes make scenes, by default 0: this one alone. The bytes are the same.
    """
    from restereo.training.trainer import make_task

    params = load_params()
    task, by_split = make_task(params, name), rows_of(params.task(name).sources, paths.MANIFEST)
    scenes = {split: Scenes(task, split, by_split[split], params) for split in SPLITS}
    used = [row for split in SPLITS for row in (*scenes[split].real, *scenes[split].photos)]
    splits_of = {f"{row['source']}/{row['group']}": row["split"] for row in used}
    require_splits(name, splits_of, {f"{row['source']}/{row['group']}" for row in used if row["benchmark"] == "True"})
    for split in SPLITS:
        if not len(scenes[split]):
            raise UserError(f"params.yaml: synthesize.scenes.{split}: 0 leaves task '{name}' nothing; raise it.")
    out = paths.pairs(name)
    with exclusive(out.with_name(f".{name}.lock"), LOCK_SECONDS, f"another synthesis of '{name}' still runs"):
        temporary = workplace_of(params, name)
        limit = params.synthesize.shard_mib * 2**20
        splits = {split: write_split(temporary, split, _remaining(scenes[split], temporary), limit) for split in SPLITS}
        licences = sorted({row["licence"] for rows in by_split.values() for row in rows})
        index = {"task": name, "kind": params.kinds[name], "licences": licences, "splits": splits}
        (temporary / "index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        shutil.rmtree(out, ignore_errors=True)
        temporary.replace(out)
    counts = ", ".join(f"{len(rows)} {split}" for split, rows in splits.items())
    print(f"{out}: {counts} scenes")


def workplace_of(params: Params, name: str) -> Path:
    """Returns the folder in which the shards of a row of `tasks:` are collected: what lies there finished is kept."""
    return _workplace(paths.pairs(name), _key(params, name, rows_of(params.task(name).sources, paths.MANIFEST)))


def _workplace(out: Path, key: str) -> Path:
    """Returns the folder in which shards are collected. What was begun from other pictures or parameters is deleted."""
    place = out.with_name(f".{out.name}.{key[:16]}.tmp")
    for other in out.parent.glob(f".{out.name}.*tmp"):
        if other != place:
            shutil.rmtree(other)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _key(params: Params, name: str, by_split: dict[Split, list[Row]]) -> str:
    """One digest over all that the shards depend on."""
    from restereo.digests import key_of
    from restereo.training.run_folder import environment

    named = (row[key] for rows in by_split.values() for row in rows for key in row if key.startswith(FILE_KEYS))
    stats = [(file, Path(file).stat()) for file in named if Path(file).is_file()]
    stamps = [(file, stat.st_size, stat.st_mtime_ns) for file, stat in stats]
    settings = params.model_dump(include={"seed", "synthesize", "evaluate"}, mode="json")
    row = params.task(name).model_dump(mode="json")
    task = catalog.module_of("task", params.kinds[name])
    return key_of([settings, row, by_split, stamps, environment("cpu", 1)], "pipelines.stages.synthesize", task)


def _remaining(scenes: Scenes, folder: Path) -> Iterator[Record]:
    """Yields the scenes that no shard in the folder holds yet."""
    numbers = range(len(finished(folder, scenes.split)), len(scenes))
    return shown(made(scenes, numbers, workers()), f"{scenes.split} scenes", len(numbers))


def workers() -> int:
    """Returns how many processes make scenes: `RESTEREO_WORKERS`, by default 0.

    Raises:
        UserError: It is no such number.
    """
    value = os.environ.get("RESTEREO_WORKERS", "0")
    if not value.isdecimal():
        raise UserError(f"RESTEREO_WORKERS: '{value}' is no number of processes; give 0, 1, 2 and so on.")
    return int(value)


def made(scenes: Scenes, numbers: Sequence[int], processes: int) -> Iterator[Record]:
    """Yields the scenes of these numbers in this order, made by so many processes; 0 makes them here."""
    if numbers:
        yield from DataLoader(
            Subset(scenes, numbers),
            batch_size=None,
            num_workers=processes,
            collate_fn=_as_it_is,
            worker_init_fn=_one_thread,
        )


def _as_it_is(record: T) -> T:
    return record


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


if __name__ == "__main__":
    run_stage(main)
