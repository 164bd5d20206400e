"""Whether `dvc.lock` is that of the code and parameters beside it, told without data and without running anything."""

import re
import subprocess
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pipelines import graph
from restereo.errors import UserError

_UNCHANGED = re.compile(r"^Stage '([^']+)' didn't change, skipping$", re.MULTILINE)
_FAILED = re.compile(r"failed to reproduce '[^']+'.*No such file")  # a changed stage, and the data are not here


def check(targets: str, root: Path = Path()) -> None:
    """Returns nothing if `dvc repro` would run nothing but the stages that always run.

    Args:
        targets: Globs of stages, separated by blanks; what they need is checked with them.
        root: The project's folder. The data need not be there.

    Raises:
        UserError: The lock is stale, or DVC cannot read the project.
    """
    wanted = graph.select(graph.read(root), targets).stages
    command = [*graph.DVC, "repro", "--dry", "--allow-missing", "--glob", *targets.split()]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    said = " ".join(answer.stderr.split()).removeprefix("ERROR: ")
    if answer.returncode and not _FAILED.search(said):
        raise UserError(f"dvc.lock: DVC cannot compare it: {said.rstrip('.')}; correct what it names.")
    file, stages = root / "dvc.lock", yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    locked = yaml.safe_load(file.read_text(encoding="utf-8"))["stages"] if file.is_file() else {}
    if stale := changed(answer.stdout, wanted, stages, locked):
        raise UserError(f"dvc.lock: the lock is stale from stage '{stale[0]}' on; rerun `make run` and commit it.")


def changed(said: str, wanted: Iterable[str], stages: Mapping[str, Any], locked: Container[str]) -> list[str]:
    r"""Returns the wanted stages that are not locked as they are, in their order, without those that always run.

    Args:
        said: What `dvc repro --dry --allow-missing` printed. Of a stage that is not locked it says, too, that nothing
            changed.
        wanted: Names of stages.
        stages: The section `stages` of dvc.yaml.
        locked: The section `stages` of dvc.lock.

    Example:
        >>> said = "Stage 'validate' didn't change, skipping\nRunning stage 'train@a':\n> python -m pipelines.train a\n"
        >>> stages = {"validate": {}, "train": {"foreach": ["a"], "do": {}}, "register": {"always_changed": True}}
        >>> changed(said, ["validate", "train@a", "register"], stages, {"validate", "train@a"})
        ['train@a']
    """
    same = {name for name in _UNCHANGED.findall(said) if name in locked}
    entries = {name: stages[name.partition("@")[0]] for name in wanted}
    always = {name for name, entry in entries.items() if entry.get("do", entry).get("always_changed")}
    return [name for name in entries if name not in same | always]
