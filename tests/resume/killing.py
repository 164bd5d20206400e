"""A tiny but real project, and `dvc repro` in it, killed with everything it started."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import torch
import yaml

from pipelines.operations import lock_check
from restereo.digests import file_sha256
from tests.conftest import ROOT

OBJECTIVES: dict[str, dict[str, Any]] = {
    "unet": {"objective": "pixel"},
    "gan": {"objective": "adversarial", "objective_options": {"width": 8}},
}
RECIPES = {
    f"{name}_{workers}": {
        "task": "anaglyph",
        "kind": "anaglyph",
        "model": "unet",
        "model_options": {"size": "tiny"},
        **objective,
    }
    | {"train": {"workers": workers}}
    for name, objective in OBJECTIVES.items()
    for workers in (0, 2)
}
EVERY = 5
"""Steps from one checkpoint to the next."""
LOCK = Path(".dvc/tmp/rwlock")


def make_project(folder: Path, steps: int, recipes: Mapping[str, Any]) -> None:
    """Fills a folder with this code and tiny parameters; no stage has run yet."""
    for code in ("restereo", "pipelines"):
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("dvc.yaml", ".dvcignore"):
        shutil.copy(ROOT / file, folder / file)
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params |= {"sources": {"builtin": {}}, "tasks": {"anaglyph": {"sources": ["builtin"]}}, "recipes": dict(recipes)}
    params["synthesize"] |= {
        "scenes": {"train": 6, "validation": 2, "test": 1},
        "size": [64, 80],
        "max_disparity": 10.0,
    }
    params["train"] |= {"steps": steps, "batch": 2, "crop": 32, "threads": 1, "warmup_steps": 5}
    params["train"] |= {"validate_every": 20, "checkpoint_every": EVERY, "patience": steps}
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    init = [sys.executable, "-m", "dvc", "init", "-q", "--no-scm"]
    subprocess.run(init, cwd=folder, env=environment(folder), check=True)


def environment(folder: Path) -> dict[str, str]:
    """Returns the variables of a shell in which `python` is this one and DVC keeps its notes beside the project."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    ours = {"PATH": path, "PYTHONPATH": str(folder), "DVC_NO_ANALYTICS": "1"}
    return {**os.environ, **ours, "DVC_SITE_CACHE_DIR": str(folder.parent / "site")}


def repro(folder: Path, *targets: str) -> subprocess.Popen[bytes]:
    """Returns `dvc repro` of a stage, or of everything, started in a process group of its own, as a terminal would."""
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", *targets]
    with (folder / "log").open("ab") as stream:
        return subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=stream, stderr=stream, start_new_session=True
        )


def finish(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Waits until a `repro` has ended well, else raises RuntimeError with the last that it said."""
    if status := process.wait():
        message = (folder / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"dvc repro ended with {status}:\n{message}")


def watch(process: subprocess.Popen[bytes], folder: Path, recipe: str, checkpoints: float) -> list[float]:
    """Returns when checkpoints were seen, in seconds from now, after so many of them or once the run folder is there.

    Steps are counted, not seconds: how long they take depends on what else the machine does.
    """
    file, start = folder / "data" / ".live" / recipe / "checkpoint.pt", time.monotonic()
    seen: list[float] = []
    last = 0
    run = folder / "data" / "runs" / recipe  # a checkpoint may come and go unseen on a busy machine
    while process.poll() is None and len(seen) < checkpoints and not run.exists():
        with suppress(FileNotFoundError):
            if (written := file.stat().st_mtime_ns) != last:
                last = written
                seen.append(time.monotonic() - start)
        time.sleep(0.002)
    return seen


def kill_group(process: subprocess.Popen[bytes]) -> bool:
    """Kills a process and all that it started with SIGKILL; False if it had ended."""
    ended = process.poll() is not None
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)  # the system needs a moment to clear away the others
    return not ended


def left_over(folder: Path) -> list[str]:
    """Returns the programs that still run in a folder."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if Path(process.cwd()) == folder and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline())[-60:])
    return found


def digests(folder: Path, recipe: str) -> dict[str, Any]:
    """Returns what must not depend on kills: the digests of averaged and raw weights, and of every file of the run."""
    run = folder / "data" / "runs" / recipe
    metrics = json.loads((run / "metrics.json").read_text())
    files = {file.name: file_sha256(file) for file in run.iterdir()}
    return {"averaged": files["weights.safetensors"], "raw": metrics["raw_sha256"], "files": files}


def phase(folder: Path, recipe: str) -> str:
    """Returns how far a killed training had come, as its files say it."""
    live, done = folder / "data" / ".live" / recipe, folder / "dvc.lock"
    if f"train@{recipe}" in done.read_text():
        return "locked"
    if (folder / "data" / "runs" / recipe).exists():
        return "run folder written"
    if any(live.glob(".checkpoint.pt.*.tmp")):
        return "writing a checkpoint"
    if not (live / "checkpoint.pt").exists():
        return "before a checkpoint"
    state = torch.load(live / "checkpoint.pt", weights_only=True)
    return f"after step {state['outcome']['step']}"


def mended(folder: Path) -> list[str]:
    """Returns which of DVC's files a kill had left broken, after deleting them as `doctor` tells a person to."""
    empty = [file for file in [folder / LOCK] if file.exists() and not file.read_bytes()]
    broken = [*empty, *(folder / "dvc.lock" for _ in lock_check.find_damage(folder))]
    for file in broken:
        file.unlink()
    return [file.name for file in broken]
