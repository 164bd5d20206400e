"""Training examples: a pure function of (seed, index), so that workers, order and kills change nothing."""

import itertools
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from restereo.errors import UserError
from restereo.sample import Observation, Operator, Sample, Scene
from restereo.tasks import Task, to_tensor
from restereo.training.shards import Shards, Window


class Examples(Dataset[tuple[Scene, Observation]]):
    """Random windows of the training scenes, freshly augmented and degraded. It has no length: it never ends.

    A scene is drawn in proportion to its area, so that every window of the material is as likely as any other, unless
    the share of the real pairs is given.
    """

    def __init__(
        self, shards: Shards, task: Task, crop: tuple[int, int], seed: int, pair_share: float | None = None
    ) -> None:
        self.shards = shards
        self.task = task
        self.crop = crop
        self.seed = seed
        self.rows = shards.rows("train")
        self.shares = np.cumsum(scene_shares(self.rows, pair_share))
        for row in self.rows:
            if any(side < part for side, part in zip(row["size"], crop, strict=True)):
                raise UserError(
                    f"{shards.folder}: scene '{row['name']}' is {row['size'][1]}x{row['size'][0]}, smaller than "
                    f"train.crop = {crop[1]}x{crop[0]}; lower train.crop"
                    f"{f' to {task.working_size} at most' if task.working_size else ' or raise synthesize.size'}."
                )

    def __getitem__(self, index: int) -> tuple[Scene, Observation]:
        """Returns example number `index`."""
        rng = np.random.default_rng((self.seed, index))
        row = self.rows[int(np.searchsorted(self.shares[:-1], rng.random(), side="right"))]
        window = self._window(row["size"], rng)
        return self.task.draw(self.shards.scene(row, window), int(rng.integers(2**31)))

    def _window(self, size: list[int], rng: np.random.Generator) -> Window:
        top, left = (int(rng.integers(side - part + 1)) for side, part in zip(size, self.crop, strict=True))
        return slice(top, top + self.crop[0]), slice(left, left + self.crop[1])


def scene_shares(rows: list[dict[str, Any]], pair_share: float | None) -> NDArray[np.float64]:
    """Returns the probability of each scene, by area, with that of all real pairs together set to `pair_share`.

    Where there are only pairs, or none, the areas alone decide.

    Example:
        >>> rows = [{"origin": "pair", "size": [1, 1]}, {"origin": "generated", "size": [1, 9]}]
        >>> scene_shares(rows, None).tolist(), scene_shares(rows, 0.5).tolist()
        ([0.1, 0.9], [0.5, 0.5])
    """
    areas = np.array([row["size"][0] * row["size"][1] for row in rows], np.float64)
    real = np.array([row["origin"] == "pair" for row in rows])
    if pair_share is not None and real.any() and not real.all():
        areas[real] *= pair_share / areas[real].sum()
        areas[~real] *= (1 - pair_share) / areas[~real].sum()
    shares: NDArray[np.float64] = areas / areas.sum()
    return shares


def collate(examples: list[tuple[Scene, Observation]], task: Task) -> Sample:
    """Returns the batch of these examples; all pictures are of one size.

    Disparity is NaN and occlusion False where a scene has no map. Every observation has a mask, or none has.
    """
    operators = [task.operator(observation) for _, observation in examples]
    height, width = examples[0][0].truth.shape[:2]
    unknown = np.full((2, height, width), np.nan, np.float32)
    disparity = [unknown if s.disparity is None else s.disparity.astype(np.float32) for s, _ in examples]
    occlusion = [np.zeros((2, height, width), np.bool_) if s.occlusion is None else s.occlusion for s, _ in examples]
    masks = [o.mask for _, o in examples if o.mask is not None]
    return Sample(
        observed=torch.cat([to_tensor(o.picture) for _, o in examples]),
        truth=torch.cat([to_tensor(s.truth) for s, _ in examples]),
        operator=stack(operators),
        disparity=torch.from_numpy(np.stack(disparity)),
        occlusion=torch.from_numpy(np.stack(occlusion)),
        mask=torch.from_numpy(np.stack(masks))[:, None] if masks else None,
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
        operators[0].scale,
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


def frozen_examples(folder: Path, split: str, variant: str) -> list[tuple[Scene, Observation]]:
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
