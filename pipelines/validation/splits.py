"""Which groups train, validate and test. A group's split depends on its own name, never on what else there is."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from difflib import get_close_matches

import yaml

from pipelines.validation.manifest import Row
from restereo.config import SPLITS, Params, Split
from restereo.errors import UserError


def drawn_split(seed: int, source: str, group: str, validation_share: float, test_share: float) -> Split:
    """Returns the split of a group that nobody has assigned: a hash of seed, source and name against the shares.

    Args:
        seed: Another seed, other splits.
        source: The row of `sources:`; groups of one name in two sources are two groups.
        group: Its name.
        validation_share: Of all groups, 0 to 1.
        test_share: Of all groups, 0 to 1.

    Example:
        >>> drawn_split(0, "folder", "IMG_0001", 0.1, 0.1)
        'train'
    """
    digest = hashlib.sha256(f"{seed}/{source}/{group}".encode()).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    return "test" if draw < test_share else "validation" if draw < test_share + validation_share else "train"


def assign_splits(rows: list[Row], params: Params) -> None:
    """Fills in the split of each row, by group: as its source says, as `validate.assign` says, or as drawn.

    A group of nothing but benchmark scenes is test. One that mixes them with other scenes follows its name, so that
    a scene that joins moves nothing; the suite then fails if that is not test.

    Raises:
        UserError: `validate.assign` names a group that is not there, or one whose split its source says.
    """
    limits = params.validation
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.source, row.group].append(row)
    _check_assigned(limits.assign, {f"{source}/{group}": held for (source, group), held in groups.items()})
    for (source, group), held in groups.items():
        split = next((row.declared for row in held if row.declared), None) or limits.assign.get(f"{source}/{group}")
        if split is None and all(row.benchmark for row in held):
            split = "test"
        if split is None:
            split = drawn_split(params.seed, source, group, limits.validation_share, limits.test_share)
        for row in held:
            row.split = split


def _check_assigned(assign: Mapping[str, Split], groups: Mapping[str, list[Row]]) -> None:
    for name in assign:
        if name not in groups:
            close = get_close_matches(name, groups, n=1)
            hint = f"did you mean '{close[0]}'?" if close else "index.json in data/raw/SOURCE names them."
            raise UserError(f"params.yaml: validate.assign: no source/group is called '{name}': {hint}")
        if declared := next((row.declared for row in groups[name] if row.declared), None):
            raise UserError(
                f"params.yaml: validate.assign: '{name}' is {declared} wherever it is used, its source says; remove it."
            )


def require_splits(task: str, splits: Mapping[str, str], fixed: Collection[str]) -> None:
    """Makes sure that a task has pictures in each split.

    Args:
        task: The row of `tasks:`.
        splits: source/group -> split, of the groups that the task can use.
        fixed: Those of them that cannot be assigned to another split.

    Raises:
        UserError: A split is empty. The sentence names the groups to assign to it.

    Example:
        >>> require_splits("mine", {"folder/a": "train", "folder/b": "train", "folder/c": "test"}, [])
        ... # doctest: +ELLIPSIS
        Traceback (most recent call last):
        restereo.errors.UserError: params.yaml: task 'mine' has no picture for validation ...: {folder/a: validation}.
    """
    held = {split: sorted(group for group, s in splits.items() if s == split) for split in SPLITS}
    lacking = [split for split in SPLITS if not held[split]]
    if not lacking:
        return
    counts = ", ".join(f"{len(groups)} {split}" for split, groups in held.items() if groups) or "none"
    where = f"params.yaml: task '{task}' has no picture for {' and '.join(lacking)} (its groups: {counts})"
    wanted: dict[str, str] = {}
    for split in lacking:
        giver = max(SPLITS, key=lambda one: len(held[one]))
        free = [group for group in held[giver] if group not in fixed]
        if len(held[giver]) < 2 or not free:
            raise UserError(f"{where}; add pictures of other scenes: each of {', '.join(SPLITS)} needs one.")
        wanted[free[0]] = split
        held[giver].remove(free[0])
        held[split].append(free[0])
    lines = yaml.safe_dump(wanted, default_flow_style=True, allow_unicode=True, width=math.inf).strip()
    raise UserError(f"{where}; add these to 'assign' in section 'validate' before you train: {lines}.")
