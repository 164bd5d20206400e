"""Share of time in which the trainer waits for data, with 0 loader processes and with 2."""

import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from restereo.sample import Sample
from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.measures.training import run
from tests.bench.options import Options

STEPS = 40
SECONDS = 12.0
SKIPPED = 6
"""The first steps pay for starting the processes and filling their queue."""


def measure(options: Options) -> Iterator[Figure]:
    """Yields the share and the steps/s for each recipe, with and without loader processes.

    With no loader process the trainer makes its own samples, and all of that time counts as waiting.
    """
    import torch

    for recipe in options.recipes:
        torch.set_num_threads(material.params().train_of(recipe).threads)
        for workers in (0, 2):
            share, rate = _share(recipe, workers)
            where = f"waiting.{recipe}.workers{workers}"
            note = "samples made in line; all of it is waiting" if workers == 0 else ""
            yield Figure(where, share, target=0.05, note=note)
            yield Figure(f"{where}.rate", rate, "steps/s")


def _share(recipe: str, workers: int) -> tuple[float, float]:
    from restereo.training.data import endless_batches

    settings = material.params().train_of(recipe)
    loader = iter(endless_batches(material.examples(recipe), settings.batch, workers, 0, 0, 1))
    waits: list[float] = []
    begins: list[float] = []

    def timed() -> Iterator[Sample]:
        end = time.perf_counter() + SECONDS
        while len(begins) <= SKIPPED + 4 or time.perf_counter() < end:
            start = time.perf_counter()
            batch: Any = next(loader)
            waits.append(time.perf_counter() - start)
            begins.append(start)
            yield batch

    run(material.loop(recipe), islice(timed(), STEPS))
    total = begins[-1] - begins[SKIPPED]
    return sum(waits[SKIPPED:-1]) / total, (len(begins) - 1 - SKIPPED) / total
