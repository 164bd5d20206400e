"""Training steps/s of our loop against a bare PyTorch loop on the same network, batches and objective."""

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from restereo.sample import Sample
from tests.bench import material
from tests.bench.clock import best, ratio, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options

STEPS = 8
SECONDS = 1.0
"""What one turn of one loop may take, about; a slow network makes fewer steps in it."""
ROUNDS = 6


def measure(options: Options) -> Iterator[Figure]:
    """Yields for each recipe the steps/s of both loops, their ratio, and what the memory layout of ours gains."""
    import torch

    for recipe in options.recipes:
        settings = material.params().train_of(recipe)
        torch.set_num_threads(settings.threads)
        batches = material.batches(recipe, STEPS)
        loop, last, plain = material.loop(recipe), Bare(recipe, torch.channels_last), Bare(recipe)
        last.run(batches[:1])
        start = time.perf_counter()
        last.run(batches[:1])
        steps = max(1, min(STEPS, round(SECONDS / (time.perf_counter() - start))))
        batches = batches[:steps]
        works = {
            "ours": lambda loop=loop, batches=batches: run(loop, iter(batches)),
            "bare": lambda bare=last, batches=batches: bare.run(batches),
            "plain": lambda bare=plain, batches=batches: bare.run(batches),
        }
        times = take_turns(works, options.rounds(ROUNDS), f"steps of {recipe}")
        for name, note in {
            "ours": "average, clipping, schedule, Fabric, progress; no validation, no data",
            "bare": "forward, backward, AdamW; the same channels_last layout",
        }.items():
            yield Figure(f"training.{recipe}.{name}", steps / best(times, name), "steps/s", note=note)
        yield Figure(f"training.{recipe}.ratio", ratio(times, "bare", "ours"), "", 0.9, "at least", "ours over bare")
        gain = ratio(times, "plain", "bare")
        yield Figure(f"training.{recipe}.channels_last", gain, note="bare with that layout over bare with the default")


class EnoughError(Exception):
    """The batches have run out."""


def run(loop: Any, batches: Iterator[Sample]) -> None:
    """Lets `Loop.run` itself make one step for each batch."""
    from restereo.progress import ProgressBar
    from restereo.training import loop as module

    def all_of_them(*_: Any) -> Iterator[Sample]:
        yield from batches
        raise EnoughError

    with (
        patch.object(module, "endless_batches", all_of_them),
        ProgressBar("bench", loop.settings.steps, "steps", loop.outcome.step, quiet=True) as progress,
        suppress(EnoughError),
    ):
        loop.run(None, [], None, progress)


class Bare:
    """What one writes in ten lines: no average, no clipping, no schedule, no engine, no seeds."""

    def __init__(self, recipe: str, layout: Any = None) -> None:
        import torch

        self.task, model, self.objective = material.network(recipe)
        self.layout = torch.contiguous_format if layout is None else layout
        players = self.objective.players(
            model.to(memory_format=self.layout), self.task.channels_in, self.task.channels_out
        )
        self.players = players
        self.optimizers = {name: torch.optim.AdamW(player.parameters(), 1e-3) for name, player in players.items()}

    def run(self, batches: list[Sample]) -> None:
        """Makes one step for each batch."""
        for sample in batches:
            lifted = self.task.lift(sample.observed, sample.operator).contiguous(memory_format=self.layout)
            for name, loss in self.objective.losses(self.players, lifted, sample):
                self.optimizers[name].zero_grad()
                loss.backward()
                self.optimizers[name].step()
                loss.item()
