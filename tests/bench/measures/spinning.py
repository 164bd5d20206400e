"""What waiting threads cost: training steps/s and processor time with GOMP_SPINCOUNT as set, unset, and passive."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from pipelines.environment import ENVIRONMENT
from tests.bench import material
from tests.bench.clock import Times, ratio, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import environment
from tests.conftest import ROOT

STEPS = 8
ROUNDS = 3
CHOICES = {
    "set": ({"GOMP_SPINCOUNT": ENVIRONMENT["GOMP_SPINCOUNT"]}, "as pipelines/environment.py sets it"),
    "default": ({}, "as the library does by itself"),
    "passive": ({"OMP_WAIT_POLICY": "passive"}, "OMP_WAIT_POLICY=passive"),
}
# torch first: it reads the variables when it is loaded, and `pipelines.environment` sets them when it is imported.
CODE = "import sys, torch; from tests.bench.measures.spinning import train; train(sys.argv[1])"
Trainer = subprocess.Popen[str]


def measure(options: Options) -> Iterator[Figure]:
    """Yields steps/s of each choice, and time and processor time over ours, on a free and on a busy machine."""
    recipe = options.recipes[-1]
    with ExitStack() as stack:
        trainers = {name: stack.enter_context(_trainer(recipe, chosen)) for name, (chosen, _) in CHOICES.items()}
        for state, others in (("free", 0), ("busy", material.params().train_of(recipe).threads)):
            used: Times = {name: [] for name in CHOICES}
            works = {name: partial(_ask, trainer, used[name]) for name, trainer in trainers.items()}
            with ExitStack() as burning:
                for _ in range(others):
                    burning.enter_context(_burner())
                times = take_turns(works, options.rounds(ROUNDS), f"training on a {state} machine")
            counted = {name: values[1:] for name, values in used.items()}
            for name, (_, note) in CHOICES.items():
                yield Figure(f"spinning.{state}.{name}", STEPS / min(times[name]), "steps/s", note=note)
                if name != "set":
                    yield Figure(f"spinning.{state}.{name}.time", ratio(times, name, "set"), note="over ours")
                    yield Figure(f"spinning.{state}.{name}.processor", ratio(counted, name, "set"), note="over ours")


@contextmanager
def _trainer(recipe: str, chosen: dict[str, str]) -> Iterator[Trainer]:
    """A process that makes steps when it is asked to."""
    clean = {k: v for k, v in environment().items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    command = [sys.executable, "-c", CODE, recipe]
    with subprocess.Popen(
        command, cwd=ROOT, env=clean | chosen, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _ask(trainer: Trainer, used: list[float]) -> None:
    assert trainer.stdin and trainer.stdout
    print(STEPS, file=trainer.stdin, flush=True)
    used.append(float(trainer.stdout.readline()))


def train(recipe: str) -> None:
    """Makes as many steps as each line of stdin says and prints the processor seconds they took."""
    import torch

    from tests.bench.measures.training import Bare

    torch.set_num_threads(material.params().train_of(recipe).threads)
    bare, batches = Bare(recipe, torch.channels_last), material.batches(recipe, STEPS)
    for line in sys.stdin:
        start = time.process_time()
        bare.run(batches[: int(line)])
        print(time.process_time() - start, flush=True)


@contextmanager
def _burner() -> Iterator[None]:
    with subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()
