"""A fresh clone of this project at an earlier revision, with its data, in which its own code runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.graph import DVC
from restereo.errors import UserError

ASK = """
import json, sys
from pathlib import Path
from restereo.config import load_params
from restereo.training.trainer import data_sha256
params, recipe = load_params(), sys.argv[1]
row = params.recipe(recipe)
print(json.dumps({
    "row": row.model_dump(), "train": params.train_of(recipe).model_dump(), "seed": params.seed,
    "data_sha256": data_sha256(Path("data/pairs") / row.task),
}))
"""
"""What the clone's own code says of its parameters and data."""


@contextmanager
def clone(revision: str, into: Path | None) -> Iterator[Path]:
    """Yields a fresh clone of this project at a revision, with this project's DVC cache and remotes.

    Raises:
        UserError: The revision is not here, or the folder exists.
    """
    if into and into.exists():
        raise UserError(f"{into}: it exists; name a folder that does not, for a fresh clone.")
    if subprocess.run(["git", "cat-file", "-e", f"{revision}^{{commit}}"], capture_output=True, check=False).returncode:
        raise UserError(f"git: revision {revision} is not in this clone; run `git fetch --all` first.")
    root = Path(_run(["git", "rev-parse", "--show-toplevel"], Path()).strip())
    with TemporaryDirectory() as temporary:
        folder = into or Path(temporary, "clone")
        _run(["git", "clone", "-q", "--no-checkout", str(root), str(folder)], Path())
        _run(["git", "checkout", "-q", "--detach", revision], folder)
        local = root / ".dvc" / "config.local"
        if local.is_file():
            shutil.copy(local, folder / ".dvc" / "config.local")  # addresses and keys of remotes
        cache = _run([*DVC, "cache", "dir"], root).strip()
        _run([*DVC, "cache", "dir", "--local", str(Path(root, cache))], folder)
        yield folder


def restore_data(folder: Path, task: str) -> None:
    """Brings the scenes of a task into a clone: from the cache or a remote by their hashes, else made again.

    Raises:
        UserError: DVC cannot.
    """
    settings = [file.read_text(encoding="utf-8") for file in (folder / ".dvc").glob("config*")]
    pull = ["--pull"] if any("['remote " in text for text in settings) else []
    _run([*DVC, "repro", *pull, f"synthesize@{task}"], folder)


def facts_of(folder: Path, recipe: str) -> dict[str, Any]:
    """Returns what a clone's own code says of a recipe: `row`, `train`, `seed`, `data_sha256`.

    Raises:
        UserError: It cannot.
    """
    facts: dict[str, Any] = json.loads(python(folder, "-c", ASK, recipe).splitlines()[-1])
    return facts


def python(folder: Path, *arguments: str) -> str:
    """Returns what a Python program of the clone prints; it runs the clone's code, not this one.

    Raises:
        UserError: It failed.
    """
    return _run([sys.executable, *arguments], folder)


def _run(command: list[str], folder: Path) -> str:
    # Stages say `python`: this one, and in the clone's folder, whose packages come first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    more = {"PATH": path, "PYTHONPATH": str(folder.absolute())}
    done = subprocess.run(command, cwd=folder, env=os.environ | more, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        said = " ".join(done.stdout.split()[-60:]) or "what it said stands above"
        name = " ".join(command[-2:]).partition("\n")[0]
        raise UserError(f"{folder}: `{name}` failed with status {done.returncode} ({said}).")
    return done.stdout
