"""Proves exact resume by force: `python -m tests.resume --kills 20`.

Trains U-Net and GAN, with 0 and 2 loader processes, by `dvc repro` in a tiny project; then again and again from the
same start, killed with SIGKILL at a random moment and run once more. The digests of averaged and raw weights, and of
every file of the run folder, must be those of the undisturbed run. Takes about half a minute a kill on two cores.
"""

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.resume.killing import RECIPES, digests, finish, free_lock, kill_group, left_over, make_project, phase, repro


def undisturbed(start: Path, place: Path, recipe: str) -> tuple[dict[str, Any], float]:
    """Returns the digests of a run that nobody kills, and how many seconds it took."""
    folder = Path(shutil.copytree(start, place / recipe))
    clock = time.monotonic()
    finish(repro(folder, f"train@{recipe}"), folder)
    return digests(folder, recipe), time.monotonic() - clock


def killed(start: Path, folder: Path, recipe: str, moment: float) -> tuple[dict[str, Any], str]:
    """Returns the digests of a run killed `moment` seconds after its start and run again, and where it was."""
    shutil.copytree(start, folder)
    process = repro(folder, f"train@{recipe}")
    with suppress(subprocess.TimeoutExpired):
        process.wait(moment)
    where = "" if kill_group(process) else "had ended; "
    where += phase(folder, recipe)
    if survivors := left_over(folder):
        where += f"; outlived it: {survivors}"
    if free_lock(folder):
        where += "; rwlock was empty"
    finish(repro(folder, f"train@{recipe}"), folder)
    if (folder / "data" / ".live" / recipe).exists():
        where += "; checkpoint left behind"
        return {}, where
    return digests(folder, recipe), where


def main() -> int:
    """Returns 0 if every killed run ended in the bytes of the undisturbed one."""
    parser = argparse.ArgumentParser(prog="python -m tests.resume", description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=200, help="training steps of each run")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    rng, recipes, same = random.Random(options.seed), list(RECIPES), 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name).resolve()
        start = place / "start"
        start.mkdir()
        make_project(start, options.steps)
        whole = {recipe: undisturbed(start, place, recipe) for recipe in recipes}
        for recipe, (expected, seconds) in whole.items():
            print(f"{recipe:8} {seconds:5.1f} s undisturbed, averaged {expected['averaged'][:12]}", flush=True)
        print(f"{'kill':>4}  {'recipe':8} {'at':>11}  {'where':40} averaged raw history", flush=True)
        for number in range(options.kills):
            recipe = recipes[number % len(recipes)]
            expected, seconds = whole[recipe]
            # One moment in each of the equal parts of the run: start-up, every stretch of steps, and the end.
            part = number // len(recipes)
            parts = -(-options.kills // len(recipes))
            moment = seconds * (part + rng.random()) / parts
            folder = place / f"kill{number}"
            found, where = killed(start, folder, recipe, moment)
            verdicts = [
                bool(found) and found["averaged"] == expected["averaged"],
                bool(found) and found["raw"] == expected["raw"],
                bool(found) and found["files"] == expected["files"],
            ]
            same += all(verdicts)
            marks = "  ".join("same  " if verdict else "OTHER " for verdict in verdicts)
            print(f"{number + 1:4}  {recipe:8} {moment:4.1f}/{seconds:4.1f} s  {where:40} {marks}", flush=True)
            shutil.rmtree(folder)
    print(f"{same} of {options.kills}")
    return 0 if same == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
