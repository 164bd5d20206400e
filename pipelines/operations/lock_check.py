"""Whether `dvc.lock` can be read, and is that of the code and parameters beside it."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.environment import run_dvc
from restereo.errors import UserError

LOCK = Path("dvc.lock")
_UNCHANGED = re.compile(r"^Stage '([^']+)' didn't change, skipping$", re.MULTILINE)
_FAILED = re.compile(r"failed to reproduce '[^']+'.*No such file")  # a changed stage, and the data are not here


def find_damage() -> Iterator[str]:
    """Yields a message if DVC would refuse `dvc.lock`, which it writes in place: a killed DVC leaves part of it.

    A file that was cut where it still can be read is not damaged: DVC completes it.
    """
    if not LOCK.is_file():
        return
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml
    from voluptuous import Invalid

    try:
        # DVC's own reader: to YAML 1.2 a checksum cut down to 949788e9 is a number, to PyYAML it is a word.
        COMPILED_LOCKFILE_SCHEMA(parse_yaml(LOCK.read_text(encoding="utf-8"), str(LOCK)))
    except (YAMLFileCorruptedError, UnicodeDecodeError, Invalid):
        again = "delete it and run the same command again: DVC's run cache knows what has run"
        yield f"{LOCK}: not whole; a DVC killed while it wrote, or a merge, left it so. End any `dvc`, then {again}."


def refuse_damage() -> None:
    """Raises `UserError` if DVC would refuse `dvc.lock`."""
    for message in find_damage():
        raise UserError(message)


def check_current(stages: Sequence[str]) -> None:
    """Checks that `dvc repro` would run nothing but the stages that always run. Needs no data and runs nothing.

    Args:
        stages: Their names, with those that they need.

    Raises:
        UserError: The lock is stale, or DVC cannot read the project.
    """
    import yaml

    printed, error = run_dvc("repro", "--dry", "--allow-missing", *stages)
    if error and not _FAILED.search(error):
        raise UserError(f"dvc.lock: DVC cannot compare it: {error}; correct what it names.")
    entries = yaml.safe_load(Path("dvc.yaml").read_text(encoding="utf-8"))["stages"]
    locked = yaml.safe_load(LOCK.read_text(encoding="utf-8"))["stages"] if LOCK.is_file() else {}
    if stale := find_stale(printed, stages, entries, locked):
        raise UserError(f"dvc.lock: the lock is stale from stage '{stale[0]}' on; rerun `make run` and commit it.")


def find_stale(printed: str, stages: Iterable[str], entries: Mapping[str, Any], locked: Container[str]) -> list[str]:
    r"""Returns the stages that are not locked as they are, in their order, without those that always run.

    Args:
        printed: By `dvc repro --dry --allow-missing`, which also calls a stage unchanged that is not locked at all.
        stages: Their names.
        entries: The section `stages` of dvc.yaml.
        locked: The section `stages` of dvc.lock.

    Example:
        >>> printed = "Stage 'validate' didn't change, skipping\nRunning stage 'train@a':\n> python train.py a\n"
        >>> entries = {"validate": {}, "train": {"foreach": ["a"], "do": {}}, "register": {"always_changed": True}}
        >>> find_stale(printed, ["validate", "train@a", "register"], entries, {"validate", "train@a"})
        ['train@a']
    """
    same = {name for name in _UNCHANGED.findall(printed) if name in locked}
    mine = {name: entries[name.partition("@")[0]] for name in stages}
    always = {name for name, entry in mine.items() if entry.get("do", entry).get("always_changed")}
    return [name for name in mine if name not in same | always]
