"""Proves exact resume by force: `python -m tests.resume --kills 20`.

Trains U-Net and GAN, with 0 and 2 loader processes, by `dvc repro` in a tiny project; then again and again from the
same start, killed with SIGKILL at a random moment and run once more. The digests of averaged and raw weights, and of
every file of the run folder, must be those of the undisturbed run. Takes about half a minute a kill on two free cores.

With `--whole` it is the whole graph that is killed, from no data to the registered model (`whole.py`).
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.resume.killing import (
    EVERY,
    RECIPES,
    digests,
    finish,
    kill_group,
    left_over,
    make_project,
    mended,
    phase,
    repro,
    watch,
)
from tests.resume.whole import rehearse


@dataclass(frozen=True)
class Whole:
    """A run that nobody killed: what came of it, and its seconds to the first checkpoint, a step of it, and its end."""

    expected: dict[str, Any]
    start_up: float
    interval: float
    ending: float


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after so many checkpoints."""

    checkpoints: int
    seconds: float


def undisturbed(start: Path, place: Path, recipe: str) -> Whole:
    """Returns what a run that nobody kills comes to."""
    folder = Path(shutil.copytree(start, place / recipe))
    clock, process = time.monotonic(), repro(folder, f"train@{recipe}")
    seen = watch(process, folder, recipe, float("inf"))
    finish(process, folder)
    ending = time.monotonic() - clock - seen[-1]
    return Whole(digests(folder, recipe), seen[0], (seen[-1] - seen[0]) / len(seen), ending)


def moment(whole: Whole, part: float, total: int, rng: random.Random) -> Moment:
    """Returns a random moment in one part of the run, 0 to 1: start-up, a stretch of steps, or the end."""
    if part < 0.2:
        return Moment(0, rng.uniform(0, whole.start_up))
    if part >= 0.8:
        return Moment(total, rng.uniform(0, whole.ending))
    stretch = int((part - 0.2) / 0.6 * (total - 2)), int(min(part, 0.6) / 0.6 * (total - 2))
    return Moment(rng.randint(1 + stretch[0], 1 + stretch[1]), rng.uniform(0, whole.interval))


def killed(start: Path, folder: Path, recipe: str, when: Moment) -> tuple[dict[str, Any] | None, str]:
    """Returns the digests of a run killed at this moment and run again, None if it had ended; and where it was."""
    shutil.copytree(start, folder)
    process = repro(folder, f"train@{recipe}")
    watch(process, folder, recipe, when.checkpoints)
    with suppress(subprocess.TimeoutExpired):
        process.wait(when.seconds)
    if not kill_group(process):
        return None, "had ended"
    where = phase(folder, recipe)
    if survivors := left_over(folder):
        where += f"; outlived it: {survivors}"
    where += "".join(f"; {name} was broken" for name in mended(folder))
    finish(repro(folder, f"train@{recipe}"), folder)
    if (folder / "data" / ".live" / recipe).exists():
        return {}, f"{where}; checkpoint left behind"
    return digests(folder, recipe), where


def main() -> int:
    """Returns 0 if every killed run ended in the bytes of the undisturbed one."""
    parser = argparse.ArgumentParser(prog="python -m tests.resume", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200, help="training steps of each run")
    parser.add_argument("--whole", action="store_true", help="kill a `dvc repro` of everything instead of a training")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    rng, recipes, same = random.Random(options.seed), list(RECIPES), 0
    parts = -(-options.kills // len(recipes))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        start = place / "start"
        if options.whole:
            same = rehearse(place, options.kills, rng)
            print(f"{same} of {options.kills}")
            return 0 if same == options.kills else 1
        start.mkdir()
        make_project(start, options.steps, RECIPES)
        finish(repro(start, "synthesize@anaglyph"), start)
        wholes = {recipe: undisturbed(start, place, recipe) for recipe in recipes}
        for recipe, whole in wholes.items():
            print(f"{recipe:8} undisturbed, averaged {whole.expected['averaged'][:12]}", flush=True)
        print(f"{'kill':>4}  {'recipe':8} {'where':28} averaged  raw     all files", flush=True)
        for number in range(options.kills):
            recipe = recipes[number % len(recipes)]
            whole, found, where = wholes[recipe], None, ""
            while found is None:  # a run that had ended was not killed
                when = moment(whole, number // len(recipes) / parts, options.steps // EVERY, rng)
                folder = place / f"kill{number}"
                found, where = killed(start, folder, recipe, when)
                shutil.rmtree(folder)
            verdicts = [found.get(key) == whole.expected[key] for key in ("averaged", "raw", "files")]
            same += all(verdicts)
            marks = "    ".join("same " if verdict else "OTHER" for verdict in verdicts)
            print(f"{number + 1:4}  {recipe:8} {where:28} {marks}", flush=True)
    print(f"{same} of {options.kills}")
    return 0 if same == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
