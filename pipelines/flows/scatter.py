"""Spreads `synthesize` and folder inference over processes or machines, by Dask.

Work is cut into shares that any machine with the same folders can do, each a pure function of its number. A share of
`synthesize` is a folder of scenes. `gather` writes the stage's shards from all of them, where the stage finds them
finished: DVC then records the bytes that it would have made by itself.

The only file that imports prefect_dask.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from prefect import flow, get_run_logger, task, unmapped
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from pipelines import paths
from pipelines.stages import synthesize
from restereo.config import SPLITS, Params, Split, load_params
from restereo.inference import batch
from restereo.inference.batch import Job
from restereo.inference.recover import RecoverOptions
from restereo.training.shards import Record, Shards, finished, write_split

CLUSTER = "RESTEREO_DASK"
"""Address of a Dask scheduler; without it, processes of this machine do the work."""
UNLIMITED = 2**62
"""Bytes: a share is one file."""


@dataclass(frozen=True)
class Share:
    """Some scenes of one split.

    Attributes:
        task: Row of `tasks:`.
        split: `train`, `validation` or `test`.
        start: The first scene's number.
        stop: The number after the last one's.
    """

    task: str
    split: Split
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.split}-{self.start:07d}-{self.stop:07d}"


def cut(task: str, split: Split, count: int, size: int) -> list[Share]:
    """Returns the shares of so many scenes, each of at most `size`.

    Example:
        >>> [str(share) for share in cut("anaglyph", "train", 5, 2)]
        ['train-0000000-0000002', 'train-0000002-0000004', 'train-0000004-0000005']
    """
    return [Share(task, split, start, min(start + size, count)) for start in range(0, count, size)]


def find_missing(task: str, size: int) -> list[Share]:
    """Returns the shares of a task that are not done yet."""
    params = load_params()
    place = synthesize.workplace_of(params, task)
    every = [s for split in SPLITS for s in cut(task, split, len(_scenes(params, task, split)), size)]
    return [share for share in every if not (place / "shares" / str(share) / "index.json").is_file()]


def make_share(share: Share) -> int:
    """Returns how many scenes it made: those of the share, into a folder of its own that appears when it is whole."""
    params = load_params()
    scenes = _scenes(params, share.task, share.split)
    place = synthesize.workplace_of(params, share.task) / "shares"
    temporary, whole = place / f".{share}.tmp", place / str(share)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    records = synthesize.made(scenes, range(share.start, share.stop), 0)
    rows = write_split(temporary, share.split, records, UNLIMITED)
    (temporary / "index.json").write_text(json.dumps({"splits": {share.split: rows}}), encoding="utf-8")
    shutil.rmtree(whole, ignore_errors=True)
    temporary.replace(whole)
    return len(rows)


def gather(task: str, size: int) -> Path:
    """Returns the folder in which the stage finds its shards finished, after writing them from all shares."""
    params = load_params()
    place = synthesize.workplace_of(params, task)
    limit = params.synthesize.shard_mib * 2**20
    for split in SPLITS:
        count, done = len(_scenes(params, task, split)), len(finished(place, split))
        write_split(place, split, _records(place, cut(task, split, count, size), done), limit)
    shutil.rmtree(place / "shares")
    return place


def _records(place: Path, shares: Sequence[Share], done: int) -> Iterator[Record]:
    """The scenes of all shares in order, without the first `done`."""
    for share in shares:
        made = Shards(place / "shares" / str(share))
        for number, row in enumerate(made.rows(share.split), share.start):
            if number >= done:
                observations = {name: made.observation(row, name) for name in row["variants"]}
                facts = {key: row[key] for key in row.keys() - {"name", "shard", "size", "variants"}}
                yield Record(made.scene(row), observations, facts)


def _scenes(params: Params, task: str, split: Split) -> synthesize.Scenes:
    from restereo.training.trainer import make_task

    rows = synthesize.rows_of(params.task(task).sources, paths.MANIFEST)[split]
    return synthesize.Scenes(make_task(params, task), split, rows, params)


@task(task_run_name="{share}", cache_policy=NO_CACHE, retries=1)
def _synthesize(share: Share) -> int:
    torch.set_num_threads(1)
    return make_share(share)


@task(task_run_name="{jobs[0].file.name} …", cache_policy=NO_CACHE, retries=1)
def _recover(jobs: list[Job], model: str, options: RecoverOptions) -> list[str]:
    """Returns the errors of what could not be recovered."""
    from restereo.inference.lookup import find_model

    torch.set_num_threads(1)
    restorer = find_model(model, kind="anaglyph")
    ended = batch.run(jobs, restorer, options, lambda _: None, workers=1, resume=True, skip_errors=True)
    return [str(one.error) for one in ended if one.error]


@flow(name="scatter-synthesize", flow_run_name="{name}")
def _synthesize_shares(name: str, size: int) -> str:
    missing = find_missing(name, size)
    get_run_logger().info(f"{len(missing)} shares of {size} scenes")
    made = sum(_synthesize.map(missing).result())
    return f"{gather(name, size)}: {made} scenes made; `dvc --wait-for-lock repro` goes on from here."


@flow(name="scatter-recover")
def _recover_shares(jobs: list[Job], model: str, options: RecoverOptions, size: int) -> list[str]:
    shares = [jobs[start : start + size] for start in range(0, len(jobs), size)]
    return [error for errors in _recover.map(shares, unmapped(model), unmapped(options)).result() for error in errors]


def _dask(workers: int) -> "TaskRunner[PrefectFuture[Any]]":
    """Returns what runs the shares: the cluster that `RESTEREO_DASK` names, else so many processes here."""
    local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    address = os.environ.get(CLUSTER)
    chosen = DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=local)
    # Its type says that it returns futures of its own, which `TaskRunner` takes for others than Prefect's.
    return cast("TaskRunner[PrefectFuture[Any]]", chosen)


def synthesize_scenes(name: str, workers: int, size: int) -> str:
    """Returns what came of making a task's scenes with so many workers.

    Args:
        name: Row of `tasks:`.
        workers: Processes, unless `RESTEREO_DASK` names a cluster.
        size: Scenes in a share.
    """
    return str(_synthesize_shares.with_options(task_runner=_dask(workers))(name, size))


def recover_folder(
    folder: Path, out: Path, model: str, options: RecoverOptions, workers: int, size: int
) -> tuple[int, list[str]]:
    """Returns how many pictures were recovered, or were already, and the errors of those that could not be."""
    jobs = batch.plan([folder], options, out)
    wrong = _recover_shares.with_options(task_runner=_dask(workers))(jobs, model, options, size)
    return len(jobs) - len(wrong), list(wrong)
