"""Where a run comes from: its content key, the code's revision, what its data may be used for."""

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

TERMS: tuple[tuple[str, str], ...] = (
    (r"\b(not|never|reserved|proprietary|confidential|prohibited|forbidden|unlicensed)\b", "unknown"),
    (r"non ?commercial|(by ?|\b)nc\b|research|academic|educational|personal use|evaluation", "non-commercial"),
    (r"no ?deriv|(by ?|\b)nd\b", "no derivatives"),
    (r"share ?alike|(by ?|\b)sa\b|gpl\b|\bgpl|odbl|copyleft", "share alike"),
    (r"(cc ?|commons |odc )by|\bmit\b|\bbsd\b|apache|\bisc\b|attribution|permitted|\bcite", "attribution"),
    (r"cc ?0|public domain|\bunlicense\b|unrestricted|no known copyright", "public domain"),
)
"""What a licence's name says -> its class; of several the strictest. A help for reading, no legal advice."""
LICENCES = {
    "public domain": "free of conditions",
    "attribution": "name the authors",
    "share alike": "results under the same licence",
    "no derivatives": "no changed copies",
    "non-commercial": "no commercial use",
    "unknown": "terms not recognised: read them before any use",
}
"""Class of licence -> what it asks for, the freest first. What nobody has said counts as the strictest."""
ORDER = tuple(LICENCES)
GENERATED = (":(top,exclude)dvc.lock", ":(top,exclude)data", ":(top,exclude)restereo/weights")
"""What the pipeline itself rewrites: a change there says nothing about the code."""


def licence_class(licence: str) -> str:
    """Returns the class of a licence, one of `ORDER`; of several joined by ` + ` or `;`, the strictest.

    Example:
        >>> [licence_class(name) for name in ("CC_BY-NC-SA-3.0", "CC0-1.0", "CC0-1.0 + MIT", "shot by Bob")]
        ['non-commercial', 'public domain', 'attribution', 'unknown']
    """

    def of(name: str) -> str:
        words = re.sub(r"[\W_]+", " ", name.lower())
        words = re.sub(r"\b(not for|no) commercial\b", "noncommercial", words)
        found = [meaning for pattern, meaning in TERMS if re.search(pattern, words)]
        return max(found, key=ORDER.index, default="unknown")

    return max((of(part) for part in re.split(r" \+ |;", licence)), key=ORDER.index)


def strictest(licences: Iterable[str]) -> str:
    """Returns the licence that limits the use most, with its class; what nobody has said counts as the strictest.

    Example:
        >>> strictest(["CC0-1.0", "CC-BY-SA-4.0"])
        'CC-BY-SA-4.0 (share alike)'
        >>> strictest(["CC-BY-NC-4.0", ""]), strictest([])
        ('not stated (unknown)', 'not stated (unknown)')
    """
    worst = max(set(licences), key=lambda name: (ORDER.index(licence_class(name)), name), default="")
    return f"{worst.strip() or 'not stated'} ({licence_class(worst)})"


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
        with files[name].open("rb") as stream:
            total.update(f"{name}\0{hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
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
