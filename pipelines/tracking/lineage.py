"""Where a run comes from: its content key, the code's revision, the packages it ran on."""

import hashlib
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from restereo.digests import file_sha256

GENERATED = (":(top,exclude)dvc.lock", ":(top,exclude)data", ":(top,exclude)restereo/weights")
"""What the pipeline itself rewrites: a change there says nothing about the code."""


def files_below(folder: Path, prefix: str) -> dict[str, Path]:
    """Returns the files below a folder under names that start with the prefix; nothing if there is no folder.

    Example:
        >>> files_below(Path("no/such/folder"), "run")
        {}
    """
    found = sorted(file for file in folder.rglob("*") if file.is_file())
    return {f"{prefix}/{file.relative_to(folder).as_posix()}": file for file in found}


def content_key(files: Mapping[str, Path]) -> str:
    """Returns the SHA-256, in hexadecimal, over the names and the bytes of these files, in order of their names.

    Example:
        >>> content_key({})[:8]
        'e3b0c442'
    """
    total = hashlib.sha256()
    for name in sorted(files):
        total.update(f"{name}\0{file_sha256(files[name])}\n".encode())
    return total.hexdigest()


def work_tree() -> dict[str, str]:
    """Returns the revision of the code here and whether it has uncommitted changes: `git_rev`, `git_dirty`.

    What the pipeline itself writes (`data/`, `dvc.lock`, `restereo/weights/`) is no change of the code. Without git, or
    outside a repository, both are `unknown`.

    Example:
        >>> sorted(work_tree())
        ['git_dirty', 'git_rev']
    """
    revision = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain", "--", ":/", *GENERATED)
    dirty = "unknown" if changes is None else str(bool(changes)).lower()
    return {"git_rev": revision or "unknown", "git_dirty": dirty}


def requirements() -> list[str]:
    """Returns the packages that the library stands on, at the versions it runs on here.

    The library itself is left out: it is on no package index, where a stranger could take its name.

    Example:
        >>> any(line.startswith("torch==") for line in requirements())
        True
    """
    needed = (Requirement(line) for line in metadata.requires("restereo") or [])
    names = sorted(need.name for need in needed if not (need.marker and "extra" in str(need.marker)))
    return [f"{name}=={metadata.version(name).partition('+')[0]}" for name in ("mlflow", *names)]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
