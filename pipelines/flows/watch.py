"""Which sources have other pictures than when they were last brought in: DVC does not look outside the project."""

import errno
import hashlib
import json
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipelines import paths
from restereo import catalog
from restereo.config import Params
from restereo.errors import UserError

SETTLED_SECONDS = float(os.environ.get("RESTEREO_SETTLED_SECONDS", "10"))
"""A picture that was written more recently may still be on its way."""


def stage(source: str) -> str:
    """Returns the stage that brings a source in.

    Example:
        >>> stage("folder")
        'download@folder'
    """
    return f"download@{source}"


def look(params: Params, stages: Iterable[str], settled: float = SETTLED_SECONDS) -> dict[str, str]:
    """Returns the sources to bring in again, each with a digest of what its folder holds now.

    Only rows whose stage is among `stages` are looked at, and of these only folders of somebody's own.

    Args:
        params: The checked parameters.
        stages: What is to run.
        settled: Seconds that the newest file must have been left alone.

    Raises:
        UserError: There is no such folder, or a file in it was written a moment ago (this one passes).
    """
    found, wanted = {}, set(stages)
    for name in params.sources:
        row = params.source(name)
        folder = catalog.build("source", row.kind, **row.options).watched() if stage(name) in wanted else None
        if folder is None:
            continue
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; check 'path' of the source '{name}'.")
        digest, newest = fingerprint(folder)
        age = time.time() - newest
        if 0 <= age < settled:
            raise UserError(f"{folder}: a file came {age:.0f} s ago; run again when all are there.", passing=True)
        if _remembered(name) != digest:
            found[name] = digest
    return found


def fingerprint(folder: Path) -> tuple[str, float]:
    """Returns a digest of the places, sizes and times of all files below a folder, and when the last one was written.

    Hidden files and links that lead nowhere do not count, and no file is opened: a million take seconds.

    Example:
        >>> fingerprint(Path("no/such/folder"))[1]
        0.0
    """
    digest, newest = hashlib.sha256(), 0.0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            try:
                stat = Path(place, name).stat()
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ELOOP):
                    raise
                continue  # a link that leads nowhere, or a file that went just now
            digest.update(json.dumps([place, name, stat.st_size, stat.st_mtime_ns]).encode())
            newest = max(newest, stat.st_ctime)
    return digest.hexdigest(), newest


def remember(sources: Mapping[str, str]) -> None:
    """Notes that sources were brought in with these digests: `look` is silent until their folders change."""
    for name, digest in sources.items():
        file = paths.watch(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{digest}\n", encoding="utf-8")


def _remembered(source: str) -> str:
    """What was noted; nothing if the pictures have gone since, so that they are brought in again."""
    file = paths.watch(source)
    here = file.is_file() and (paths.raw(source) / "index.json").is_file()
    return file.read_text(encoding="utf-8").strip() if here else ""
