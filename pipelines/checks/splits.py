"""Which scene trains, which validates, which is kept for the end: a function of seed and group alone."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

MIN_GROUPS = 3
GROUPS_FOR_TWO = 6


@dataclass(frozen=True)
class Group:
    """Scenes that stay together. `pool`: of what kind of scene each split wants at least one."""

    name: str
    pool: tuple[str, str]
    benchmark: bool


def assign(groups: Iterable[Group], seed: int, validation_share: float, test_share: float) -> dict[str, str]:
    """Returns the split of each group: "train", "validation" or "test".

    A hash of seed and name decides, so a group stays where it is when others come or go, and no later model is
    trained on what an earlier one was tested on. Benchmark scenes are test. Small pools are topped up by
    the groups that came nearest: from 3 groups on, each split with a share has one, from 6 on the test split two.

    Args:
        groups: Names are unique. A pool is, say, a source's photos.
        seed: Another seed, other splits.
        validation_share: Of the groups, 0 to 1.
        test_share: Of the groups, 0 to 1.

    Example:
        >>> photos = [Group(name, ("mine", "photo"), False) for name in "abcd"]
        >>> sorted(assign(photos, 0, 0.1, 0.1).values())
        ['test', 'train', 'train', 'validation']
    """
    groups = sorted(groups, key=lambda group: _draw(seed, group.name))
    splits = {}
    for group in groups:
        draw = _draw(seed, group.name)
        is_test = group.benchmark or draw < test_share
        splits[group.name] = "test" if is_test else "validation" if draw < test_share + validation_share else "train"
    pools: dict[tuple[str, str], list[str]] = {}
    for group in groups:
        if not group.benchmark:
            pools.setdefault(group.pool, []).append(group.name)
    for names in pools.values():
        if len(names) >= MIN_GROUPS:
            wanted_test = 2 if len(names) >= GROUPS_FOR_TWO else 1
            _top_up(splits, names, "test", wanted_test if test_share else 0)
            _top_up(splits, names, "validation", 1 if validation_share else 0)
            _top_up(splits, names[::-1], "train", 1)
    return splits


def _top_up(splits: dict[str, str], names: list[str], split: str, wanted: int) -> None:
    """Moves groups into a split, in the order given, until it has enough; takes from the fullest split."""
    while sum(splits[name] == split for name in names) < wanted:
        held = [splits[name] for name in names]
        fullest = max(("train", "validation", "test"), key=held.count)
        splits[next(name for name in names if splits[name] == fullest)] = split


def _draw(seed: int, name: str) -> float:
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
