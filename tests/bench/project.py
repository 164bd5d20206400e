"""A project in a folder of its own: this checkout's code and graph, each stage run under a stopwatch."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipelines.environment import DVC, ENVIRONMENT
from pipelines.flows import graph
from tests.bench import material
from tests.conftest import ROOT

TABLES = ("sources", "tasks", "recipes")
STOPWATCH = Path(__file__).parent / "stopwatch.py"


@dataclass(frozen=True)
class Run:
    """What one way of running the stages took.

    Attributes:
        seconds: From start to end.
        stages: What the stopwatch said of each stage.
    """

    seconds: float
    stages: list[dict[str, Any]]

    @property
    def overhead(self) -> float:
        """Seconds in which no stage ran. Taken within one run, so that a busy machine moves it little."""
        return self.seconds - self.own

    @property
    def own(self) -> float:
        """Seconds that the stages themselves took."""
        return sum(float(stage["seconds"]) for stage in self.stages)


def watched(file: Path, name: str, command: list[str]) -> list[str]:
    """Returns the command under a stopwatch that writes a line to `file`."""
    return [sys.executable, "-I", "-S", str(STOPWATCH), str(file), name, *command]


def environment() -> dict[str, str]:
    """Returns the environment of every program: quiet, this Python first in PATH, no server of the person's own."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    left_out = ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PYTHONPATH")
    inherited = {name: value for name, value in os.environ.items() if name not in left_out}
    return inherited | ENVIRONMENT | {"PATH": path, "PYTHONUNBUFFERED": "1", "DVC_NO_ANALYTICS": "1"}


def measured(module: str, name: str, arguments: list[str]) -> tuple[float, float, float]:
    """Returns seconds, processor seconds and peak MiB of `python -m module`, which prints the first two last."""
    log = material.folder() / "measured.jsonl"
    log.unlink(missing_ok=True)
    command = watched(log, name, [sys.executable, "-m", module, *arguments])
    extra = environment() | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=extra, check=True, capture_output=True, text=True)
    seconds, processor = map(float, done.stdout.split()[-2:])
    return seconds, processor, json.loads(log.read_text(encoding="utf-8"))["peak_mib"]


class Project:
    """A folder with `dvc.yaml`, `params.yaml` and the code; `data` is empty until stages run."""

    def __init__(self, name: str, changes: dict[str, Any]) -> None:
        """Makes the folder; `changes` are laid over `params.yaml`, section by section, tables replaced as a whole."""
        self.root = material.folder() / name
        self.log = self.root / "stopwatch.jsonl"
        self.root.mkdir()
        for package in ("restereo", "pipelines"):
            shutil.copytree(ROOT / package, self.root / package, ignore=shutil.ignore_patterns("__pycache__"))
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
        for section, values in changes.items():
            params[section] = values if section in TABLES else params[section] | values
        (self.root / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
        for stage, content in stages["stages"].items():
            row = content.get("do", content)
            key = "${key}" if "do" in content else ""
            row["cmd"] = " ".join([*watched(self.log, f"{stage}@{key}".strip("@"), []), row["cmd"]])
        (self.root / "dvc.yaml").write_text(yaml.safe_dump(stages, sort_keys=False), encoding="utf-8")
        (self.root / "data").mkdir()  # as in a checkout
        self.call([*DVC[:-1], "init", "-q", "--no-scm"])
        with chdir(self.root):
            self.stages = graph.read().stages

    def call(self, command: list[str], extra: dict[str, str] | None = None) -> None:
        """Runs a program in the project.

        Raises:
            RuntimeError: It failed; the message is what it said.
        """
        done = subprocess.run(
            command, cwd=self.root, env=environment() | (extra or {}), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")

    def bare(self) -> Run:
        """Runs the stages' commands one after the other, with nothing around them."""
        start = self._start()
        for stage in self.stages:
            name, _, key = stage.partition("@")
            command = [sys.executable, "-m", f"pipelines.{name}", *([key] if key else [])]
            self.call(watched(self.log, stage, command))
        return self._end(start)

    def repro(self) -> Run:
        """Runs `dvc repro`."""
        start = self._start()
        self.call([*DVC, "repro"])
        return self._end(start)

    def flow(self, api: str | None = None) -> Run:
        """Runs the Prefect flow, on a running server or on one that it starts."""
        start = self._start()
        self.call([sys.executable, "-m", "pipelines.cli", "flow", "*"], {"PREFECT_API_URL": api} if api else None)
        return self._end(start)

    def clear(self) -> None:
        """Removes all that stages and DVC have made, its caches too."""
        for made in ("data", ".dvc/cache", ".dvc/tmp"):
            shutil.rmtree(self.root / made, ignore_errors=True)
        (self.root / "dvc.lock").unlink(missing_ok=True)
        (self.root / "data").mkdir()

    def _start(self) -> float:
        self.log.write_text("", encoding="utf-8")
        return time.monotonic()

    def _end(self, start: float) -> Run:
        seconds = time.monotonic() - start
        return Run(seconds, [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()])
