"""The flow that spreads `synthesize` and folder inference over processes or machines, by Dask.

The only file that imports prefect_dask; apart from `flows.py`, since importing Dask takes a second that no stage needs.
"""

import os
from pathlib import Path
from typing import Any

import torch
from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner
from prefect_dask.task_runners import DaskTaskRunner

from pipelines import shares
from pipelines.shares import Share
from restereo.inference import batch
from restereo.inference.batch import Job
from restereo.inference.recover import Wish

CLUSTER = "RESTEREO_DASK"
"""Address of a Dask scheduler; without it, processes of this machine do the work."""


def runner(workers: int) -> "TaskRunner[PrefectFuture[Any]]":
    """Returns what runs the shares: the cluster that `RESTEREO_DASK` names, else so many processes here."""
    local = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    address = os.environ.get(CLUSTER)
    # Any: its type says that it returns futures of its own, which `TaskRunner` takes for others than Prefect's.
    chosen: Any = DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=local)
    return chosen  # type: ignore[no-any-return]


@task(task_run_name="{share}", cache_policy=NO_CACHE, retries=1)
def make(share: Share) -> int:
    """Returns how many scenes were made."""
    torch.set_num_threads(1)
    return shares.make(share)


@task(cache_policy=NO_CACHE, retries=1)
def recover(jobs: list[Job], model: str, wish: Wish) -> list[str]:
    """Returns the sentences of what could not be recovered."""
    from restereo.inference.contender import find_restorer

    torch.set_num_threads(1)
    restorer = find_restorer(model, kind="anaglyph")
    ended = batch.run(jobs, restorer, wish, lambda _: None, workers=1, resume=True, skip_errors=True)
    return [one.error for one in ended if one.error]


@flow(name="scatter-synthesize", flow_run_name="{name}")
def synthesize_in_shares(name: str, size: int) -> str:
    """Makes the scenes of a task in shares, and leaves shards for stage `synthesize` to find.

    Args:
        name: Row of `tasks:`.
        size: Scenes in a share.
    """
    todo = shares.of_task(name, size)
    get_run_logger().info(f"{len(todo)} shares of {size} scenes")
    futures = make.map(todo)
    made = sum(future.result() for future in futures)
    return f"{shares.gather(name, size)}: {made} scenes made; `dvc --wait-for-lock repro` goes on from here."


@flow(name="scatter-recover")
def recover_in_shares(jobs: list[Job], model: str, wish: Wish, size: int) -> list[str]:
    """Recovers pictures in shares, and returns the sentences of those that could not be.

    Args:
        jobs: What is to become of which picture.
        model: Name or folder.
        wish: How.
        size: Pictures in a share.
    """
    todo = shares.of_jobs(jobs, size)
    futures = [
        recover.with_options(task_run_name=f"{share[0].file.name} …").submit(share, model, wish) for share in todo
    ]
    return [sentence for future in futures for sentence in future.result()]


def synthesize(name: str, workers: int, size: int) -> str:
    """Returns what came of making a task's scenes with so many workers."""
    return str(synthesize_in_shares.with_options(task_runner=runner(workers))(name, size))


def recover_folder(folder: Path, out: Path, model: str, wish: Wish, workers: int, size: int) -> tuple[int, list[str]]:
    """Returns how many pictures were recovered, or were already, and the sentences of those that could not be."""
    jobs = batch.plan([folder], wish, out)
    wrong = recover_in_shares.with_options(task_runner=runner(workers))(jobs, model, wish, size)
    return len(jobs) - len(wrong), list(wrong)
