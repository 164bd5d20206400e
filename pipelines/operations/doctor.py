"""Broken states that were met before: each is recognised, explained, and its repair named."""

import json
import os
import shutil
import socket
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from packaging.requirements import Requirement

from pipelines import paths
from pipelines.environment import exclusive
from pipelines.operations import lock_check
from pipelines.promotion import ledger
from restereo.config import load_params
from restereo.errors import UserError

LEAST_FREE = 2 * 2**30
"""Bytes: a checkpoint, a run folder and the shards of one task fit several times."""
PATIENCE = 3.0
OLD_DAYS = 30
WHY = {
    "fastapi": "with this one every Prefect flow fails (\"Body() … 'min_items'\")",
    "sqlalchemy": "with this one scheduled Prefect runs are silently never created",
    "albumentations": "the degradations are those of the one version, and a newer one draws others",
    "prefect": "the flow is written for the one version",
}
"""What happens with a version that the project does not allow."""
SUCCESSOR = "albumentationsx"
FILE_STORES = ("", "file")


def rwlock() -> Iterator[str]:
    """Yields a message if DVC's lock file is damaged: it then refuses everything."""
    file = Path(".dvc/tmp/rwlock")
    if not file.is_file():
        return
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        state = "damaged" if file.stat().st_size else "empty (0 bytes)"
        yield f"{file}: {state}; a killed DVC left it so, and every other now stops. End any `dvc`, then delete it."


def store_address() -> Iterator[str]:
    """Yields a message if `MLFLOW_TRACKING_URI` names a folder: MLflow gave its file store up."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    if address and urlparse(address).scheme in FILE_STORES:
        good = f"sqlite:///{paths.MLFLOW.absolute() / 'mlflow.db'}"
        yield f"MLFLOW_TRACKING_URI: '{address}' is a folder, which MLflow refuses; unset it, or set it to {good}."


def packages() -> Iterator[str]:
    """Yields a message for each package of a version that the project does not allow, or that is missing."""
    try:
        needs = metadata.requires("restereo") or []
    except metadata.PackageNotFoundError:
        yield "restereo: not installed here; `pip install -c constraints.txt -e '.[pipeline]'`."
        return
    for line in needs:
        need = Requirement(line)
        if need.marker and not any(need.marker.evaluate({"extra": extra}) for extra in ("", "pipeline")):
            continue
        repair = f"`pip install -c constraints.txt '{need.name}{need.specifier}'`"
        try:
            found = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            yield f"{need.name}: not installed; {repair}."
            continue
        if not need.specifier.contains(found.partition("+")[0], prereleases=True):
            why = f": {WHY[need.name]}" if need.name in WHY else ""
            yield f"{need.name} {found}: the project asks for {need.specifier}{why}; {repair}."
    if any(one.name and one.name.lower() == SUCCESSOR for one in metadata.distributions()):
        repair = f"`pip uninstall {SUCCESSOR}` and `pip install --force-reinstall --no-deps albumentations==2.0.8`"
        yield f"{SUCCESSOR}: it lies over albumentations' own files, and its licence is the AGPL; {repair}."


def disk(folder: Path = paths.DATA, least: int = LEAST_FREE) -> Iterator[str]:
    """Yields a message if there is little room where the stages write, in bytes or in files.

    Example:
        >>> list(disk(Path(), least=0))
        []
    """
    there = next(one for one in (folder.absolute(), *folder.absolute().parents) if one.is_dir())
    free, facts = shutil.disk_usage(there).free, os.statvfs(there)
    repair = "`dvc gc --workspace` removes what nothing here needs; old artifacts in `data/mlflow` may go too"
    if free < least:
        yield f"{there}: {free / 2**30:.2f} GiB are free, {least / 2**30:.0f} should be; {repair}."
    elif facts.f_files and not facts.f_favail:
        yield f"{there}: the disk can hold no more files, though it has room; {repair}."


def servers() -> Iterator[str]:
    """Yields a message for each server that an address in the environment names and that does not answer."""
    local = {"MLFLOW_TRACKING_URI": "MLflow's files go to data/mlflow", "PREFECT_API_URL": "each flow starts its own"}
    for variable, instead in local.items():
        address = os.environ.get(variable, "")
        scheme = urlparse(address).scheme
        if scheme in ("http", "https") and (why := _try(urllib.request.urlopen, f"{address.rstrip('/')}/health")):
            yield f"{variable}: {address} does not answer ({why}); start that server, or unset it: {instead}."
        elif scheme.startswith(("postgresql", "mysql")) and (why := _try(socket.create_connection, _place(address))):
            place = ":".join(map(str, _place(address)))
            yield f"{variable}: the database at {place} does not answer ({why}); start it."
    endpoint = os.environ.get("MLFLOW_S3_ENDPOINT_URL", "")
    if endpoint and (why := _try(socket.create_connection, _place(endpoint))):
        yield f"MLFLOW_S3_ENDPOINT_URL: {endpoint} does not answer ({why}); start it, or correct the address."


def _try(connect: Callable[..., AbstractContextManager[Any]], address: str | tuple[str, int]) -> str:
    """Returns why an address does not answer, nothing if it does."""
    try:
        with connect(address, timeout=PATIENCE):
            return ""
    except OSError as error:
        return str(getattr(error, "reason", error))


def _place(address: str) -> tuple[str, int]:
    """Returns host and port; never the password that stands before them."""
    parts = urlparse(address)
    ports = {"postgresql": 5432, "mysql": 3306, "https": 443}
    return parts.hostname or "", parts.port or ports.get(parts.scheme.partition("+")[0], 80)


def checkpoints() -> Iterator[str]:
    """Yields a message for each checkpoint in `data/.live` that no training will take up."""
    recipes = load_params().recipes
    for folder in sorted(one for one in paths.live("*").parent.glob("*") if one.is_dir()):
        file = folder / "checkpoint.pt"
        if _held(paths.live(folder.name).with_suffix(".lock")):
            continue
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file()) / 2**20
        gone = f"`rm -r {folder}` frees {size:.0f} MiB"
        if folder.name not in recipes:
            yield f"{folder}: a checkpoint of '{folder.name}', which is no recipe any more; {gone}."
        elif not file.is_file() or not zipfile.is_zipfile(file):
            yield f"{file}: no whole checkpoint; the training starts anew by itself, and {gone}."
        elif newer := _newer(file):
            yield f"{file}: older than {newer}, so the training may start anew; then {gone}."
        elif (days := (time.time() - file.stat().st_mtime) / 86400) > OLD_DAYS:
            yield f"{file}: {days:.0f} days old; train '{folder.name}' to go on from it, or {gone}."


def _newer(file: Path) -> Path | None:
    """Returns a file that a checkpoint depends on and that was changed after it was written."""
    inputs = [Path("params.yaml"), *sorted(Path("restereo").rglob("*.py"))]
    return next((one for one in inputs if one.is_file() and one.stat().st_mtime > file.stat().st_mtime), None)


def _held(lock: Path) -> bool:
    """Returns whether a process holds a lock."""
    if not lock.is_file():
        return False
    try:
        with exclusive(lock, 0, ""):
            return False
    except UserError:
        return True


def decisions() -> Iterator[str]:
    """Yields a message if a line of the log of decisions is none."""
    try:
        ledger.read()
    except UserError as error:
        yield str(error)


CHECKS: dict[str, Callable[[], Iterator[str]]] = {
    "DVC's rwlock": rwlock,
    "dvc.lock": lock_check.find_damage,
    "MLflow's address": store_address,
    "packages": packages,
    "disk": disk,
    "servers": servers,
    "checkpoints": checkpoints,
    "ledger": decisions,
}


def examine() -> Iterator[tuple[str, list[str]]]:
    """Yields the name of each check and what it found; nothing found is well."""
    for name, check in CHECKS.items():
        try:
            yield name, list(check())
        except UserError as error:  # what a check reads may be broken itself
            yield name, [str(error)]
