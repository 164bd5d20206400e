"""What threads that wait cost: training steps/s and processor time with GOMP_SPINCOUNT as set, unset, and passive."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from tests.bench import material
from tests.bench.clock import Times, ratio, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options

STEPS = 10
ROUNDS = 4
CHOICES = {
    "set": "as pipelines/quiet.py sets it",
    "default": "the library's default",
    "passive": "OMP_WAIT_POLICY=passive",
}


def measure(options: Options) -> Iterator[Figure]:
    """Yields steps/s and processor seconds of each choice over those of ours, on a free and on a busy machine."""
    recipe = options.recipes[-1]
    threads = 2
    with _trainers(recipe, threads) as asks:
        for state, others in (("free", 0), ("busy", threads)):
            spent: Times = {name: [] for name in CHOICES}
            works = {n: lambda n=n, spent=spent: spent[n].append(_ask(asks[n])) for n in CHOICES}
            with _burners(others):
                times = take_turns(works, options.rounds(ROUNDS), f"training on a {state} machine")
            used = {name: values[1:] for name, values in spent.items()}
            for name, note in CHOICES.items():
                yield Figure(f"spinning.{state}.{name}", STEPS / min(times[name]), "steps/s", note=note)
                if name != "set":
                    yield Figure(f"spinning.{state}.{name}.time", ratio(times, name, "set"), note="over ours")
                    yield Figure(f"spinning.{state}.{name}.processor", ratio(used, name, "set"), note="over ours")


@contextmanager
def _trainers(recipe: str, threads: int) -> Iterator[dict[str, Connection]]:
    """A process for each choice: the library reads it when it is loaded."""
    material.scenes()
    context = multiprocessing.get_context("spawn")
    before = dict(os.environ)
    asks, processes = {}, []
    try:
        for name in CHOICES:
            for variable in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
                os.environ.pop(variable, None)
            if name == "set":
                os.environ["GOMP_SPINCOUNT"] = before["GOMP_SPINCOUNT"]
            elif name == "passive":
                os.environ["OMP_WAIT_POLICY"] = "passive"
            asks[name], end = context.Pipe()
            processes.append(context.Process(target=_train, args=(end, recipe, threads), daemon=True))
            processes[-1].start()
    finally:
        os.environ.clear()
        os.environ.update(before)
    try:
        yield asks
    finally:
        for ask in asks.values():
            ask.send(0)
        for process in processes:
            process.join(10)


def _ask(connection: Connection) -> float:
    connection.send(STEPS)
    spent: float = connection.recv()
    return spent


def _train(connection: Connection, recipe: str, threads: int) -> None:
    import torch

    from tests.bench.measures.training import Bare

    torch.set_num_threads(threads)
    bare, batches = Bare(recipe, torch.channels_last), material.batches(recipe, STEPS)
    while steps := connection.recv():
        start = time.process_time()
        bare.run(batches[:steps])
        connection.send(time.process_time() - start)


@contextmanager
def _burners(count: int) -> Iterator[None]:
    context = multiprocessing.get_context("spawn")
    processes: list[Any] = [context.Process(target=_burn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _burn() -> None:
    while True:
        sum(range(1000))
