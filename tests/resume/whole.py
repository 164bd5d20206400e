"""`dvc repro` of a whole tiny project, from no data to the registered model, killed anywhere in it."""

import random
import shutil
import sqlite3
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.flows import graph
from restereo.digests import file_sha256
from tests.resume.killing import finish, kill_group, left_over, make_project, mended, repro

TINY = {"tiny": {"task": "anaglyph", "kind": "anaglyph", "model": "unet", "model_options": {"size": "tiny"}}}
RECIPES = {name: row | {"objective": "pixel"} for name, row in TINY.items()}
STEPS = 20
START = "start-up"
"""What is there before the first stage."""
OUTS = ("raw", "manifest", "pairs", "runs", "evaluation")
"""Folders below `data/` that DVC hashes."""


@dataclass(frozen=True)
class Ending:
    """What a project holds when its `dvc repro` has ended.

    Attributes:
        lock: Every stage's hashes, by `dvc.lock`.
        files: SHA-256 of every file that DVC hashes.
        versions: How many versions MLflow's registry has.
    """

    lock: dict[str, Any]
    files: dict[str, str]
    versions: int

    def other(self, expected: "Ending") -> list[str]:
        """Returns what differs from another ending; nothing if they are the same."""
        tables = (("dvc.lock", self.lock, expected.lock), ("data", self.files, expected.files))
        found = [f"{what} {key}" for what, a, b in tables for key in sorted({*a, *b}) if a.get(key) != b.get(key)]
        return found + ([f"{self.versions} versions"] if self.versions != expected.versions else [])


def ending(folder: Path) -> Ending:
    """Returns what a project holds."""
    data = folder / "data"
    files = [file for name in OUTS for file in (data / name).rglob("*") if file.is_file()]
    digests = {file.relative_to(data).as_posix(): file_sha256(file) for file in files}
    with sqlite3.connect(data / "mlflow" / "mlflow.db") as database:
        count = "select count(*) from model_versions where current_stage <> 'Deleted_Internal'"
        versions = int(database.execute(count).fetchone()[0])
    database.close()
    return Ending(yaml.safe_load((folder / "dvc.lock").read_text())["stages"], digests, versions)


def reached(folder: Path) -> str:
    """Returns the stage that DVC said last it was running."""
    message = (folder / "log").read_text(errors="replace").split("Running stage '")
    return message[-1].partition("'")[0] if len(message) > 1 else START


@dataclass(frozen=True)
class Moment:
    """When to kill: so many seconds after DVC said that it runs a stage. Stages take longer on a busy machine."""

    stage: str
    seconds: float


def wait_for(process: "subprocess.Popen[bytes]", folder: Path, stage: str) -> float:
    """Returns how many seconds it took until a stage began, or all had ended."""
    since = time.monotonic()
    while process.poll() is None and reached(folder) != stage:
        time.sleep(0.02)
    return time.monotonic() - since


def undisturbed(folder: Path, place: Path) -> list[tuple[str, float]]:
    """Returns the seconds of each stage, run one after the other; what the project was before each lies in `place`."""
    found = [(START, 0.0)]
    for stage in graph.read(folder).stages:
        shutil.copytree(folder, place / stage)
        (folder / "log").write_text("")
        process = repro(folder, "--single-item", stage)
        starting, since = wait_for(process, folder, stage), time.monotonic()
        finish(process, folder)
        found[0] = (START, found[0][1] or starting)
        found.append((stage, time.monotonic() - since))
    shutil.copytree(place / found[1][0], place / START)
    finish(repro(folder), folder)
    return found


def moment(stages: list[tuple[str, float]], part: float) -> Moment:
    """Returns the moment that lies at this part of all stages' time, 0 to 1.

    Example:
        >>> moment([("a", 2.0), ("b", 8.0)], 0.5)
        Moment(stage='b', seconds=3.0)
    """
    left = part * sum(seconds for _, seconds in stages)
    for stage, seconds in stages[:-1]:
        if left < seconds:
            return Moment(stage, left)
        left -= seconds
    return Moment(stages[-1][0], left)


def killed(before: Path, folder: Path, when: Moment) -> tuple[Ending | None, str]:
    """Returns what a `dvc repro` killed at a moment comes to when run again; None if it had ended; and where."""
    shutil.copytree(before, folder)
    (folder / "log").write_text("")
    process = repro(folder)
    wait_for(process, folder, when.stage)
    with suppress(subprocess.TimeoutExpired):
        process.wait(when.seconds)
    if not kill_group(process):
        return None, "had ended"
    where = reached(folder)
    if survivors := left_over(folder):
        where += f"; outlived it: {survivors}"
    where += "".join(f"; {name} was broken" for name in mended(folder))
    finish(repro(folder), folder)
    return ending(folder), where


def rehearse(place: Path, kills: int, rng: random.Random) -> int:
    """Returns how many killed runs ended in the hashes of the undisturbed one, after a line on each.

    One kill falls at random into each of as many equal stretches of the undisturbed run's time. Each time it is the
    whole `dvc repro` that is killed and run again; stages before the one that it is killed in have run already.

    Args:
        place: An empty folder.
        kills: How many.
        rng: Draws the moments.
    """
    start = place / "start"
    start.mkdir()
    make_project(start, STEPS, RECIPES)
    stages = undisturbed(start, place / "before")
    expected = ending(start)
    took = sum(seconds for _, seconds in stages)
    print(f"undisturbed: {took:.0f} s, {len(expected.lock)} stages, {len(expected.files)} files", flush=True)
    same = 0
    for number in range(kills):
        found, where = None, ""
        while found is None:  # a run that had ended was not killed
            when = moment(stages, rng.uniform(number, number + 1) / kills)
            folder = place / f"kill{number}"
            found, where = killed(place / "before" / when.stage, folder, when)
            shutil.rmtree(folder)
        other = found.other(expected)
        same += not other
        print(f"{number + 1:4}  {when.seconds:5.1f} s into {where:24} {', '.join(other) or 'same'}", flush=True)
    return same
