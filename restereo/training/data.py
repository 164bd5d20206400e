"""Training examples: a pure function of (seed, index), so that workers, order and kills change nothing."""

import itertools
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restereo.errors import UserError
from restereo.sample import Observation, Operator, Sample, Scene
from restereo.tasks import Task, to_tensor
from restereo.training.shards import Shards, Window


class Examples(Dataset[tuple[Scene, Observation]]):
    """Random windows of the training scenes, freshly augmented and degraded. It has no length: it never ends.

    A scene is drawn in proportion to its area, so that every window of the material is as likely as any other.
    """

    def __init__(self, shards: Shards, task: Task, crop: int, seed: int) -> None:
        self.shards = shards
        self.task = task
        self.crop = crop
        self.seed = seed
        self.rows = shards.rows("train")
        self.areas = np.cumsum([row["size"][0] * row["size"][1] for row in self.rows])
        for row in self.rows:
            if min(row["size"]) < crop:
                raise UserError(
                    f"{shards.folder}: scene '{row['name']}' is {row['size'][1]}x{row['size'][0]}, smaller than "
                    f"train.crop = {crop}; lower train.crop or raise synthesize.size."
                )

    def __getitem__(self, index: int) -> tuple[Scene, Observation]:
        """Returns example number `index`."""
        rng = np.random.default_rng((self.seed, index))
        row = self.rows[int(np.searchsorted(self.areas, rng.integers(self.areas[-1]), side="right"))]
        window = self._window(row["size"], rng)
        return self.task.draw(self.shards.scene(row, window), int(rng.integers(2**31)))

    def _window(self, size: list[int], rng: np.random.Generator) -> Window:
        top, left = (int(rng.integers(side - self.crop + 1)) for side in size)
        return slice(top, top + self.crop), slice(left, left + self.crop)


def collate(examples: list[tuple[Scene, Observation]], task: Task) -> Sample:
    """Returns the batch of these examples; all pictures are of one size.

    Disparity is NaN and occlusion False where a scene has no map.
    """
    operators = [task.operator(observation) for _, observation in examples]
    height, width = examples[0][0].truth.shape[:2]
    unknown = np.full((2, height, width), np.nan, np.float32)
    disparity = [unknown if s.disparity is None else s.disparity.astype(np.float32) for s, _ in examples]
    occlusion = [np.zeros((2, height, width), np.bool_) if s.occlusion is None else s.occlusion for s, _ in examples]
    return Sample(
        observed=torch.cat([to_tensor(o.picture) for _, o in examples]),
        truth=torch.cat([to_tensor(s.truth) for s, _ in examples]),
        operator=stack(operators),
        disparity=torch.from_numpy(np.stack(disparity)),
        occlusion=torch.from_numpy(np.stack(occlusion)),
    )


def stack(operators: list[Operator]) -> Operator:
    """Returns one batch of these operators."""

    def cat(parts: list[Tensor]) -> Tensor:
        return torch.cat(parts)

    return Operator(
        cat([o.matrix for o in operators]),
        cat([o.linear for o in operators]),
        cat([o.exponent for o in operators]),
        cat([torch.zeros(len(o.linear), dtype=torch.bool) if o.lossy is None else o.lossy for o in operators]),
    )


class _Collate:
    """`collate` with its task, in a form that worker processes can receive."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __call__(self, examples: list[tuple[Scene, Observation]]) -> Sample:
        return collate(examples, self.task)


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)


def endless_batches(examples: Examples, batch: int, workers: int, step: int, rank: int, world: int) -> DataLoader[Any]:
    """Returns a loader that starts where training step `step` of process `rank` of `world` starts.

    Args:
        examples: The data set.
        batch: Examples per process and step.
        workers: Loader processes; 0 loads in the training process. The examples are the same.
        step: Steps already made.
        rank: This process's number.
        world: How many processes share each step.
    """
    first = step * batch * world + rank
    return DataLoader(
        examples,
        batch,
        sampler=itertools.count(first, world),
        num_workers=workers,
        collate_fn=_Collate(examples.task),
        worker_init_fn=_one_thread,
        persistent_workers=workers > 0,
    )


def frozen_examples(folder: Path, split: str, task: Task, variant: str) -> list[tuple[Scene, Observation]]:
    """Returns the whole scenes of a frozen split with their stored observations."""
    shards = Shards(folder)
    return [(shards.scene(row), shards.observation(row, variant)) for row in shards.rows(split)]


def step_seed(seed: int, step: int, rank: int) -> int:
    """Returns the seed of torch's generator for one step, in [0, 2³¹).

    Example:
        >>> step_seed(0, 1, 0) == step_seed(0, 1, 0) != step_seed(0, 2, 0)
        True
    """
    return zlib.crc32(f"{seed}/{step}/{rank}".encode()) & 0x7FFFFFFF
