"""Splits of groups: what comes or goes moves nothing, and an empty split is told with the line that fills it."""

import math
from collections.abc import Iterable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.validation.manifest import Row
from pipelines.validation.splits import assign_splits, drawn_split, require_splits
from restereo.config import SPLITS, parse_params
from restereo.errors import UserError


def row(group: str, source: str = "folder", **changes: object) -> Row:
    facts = {"kind": "photo", "split": "", "path": "", "path_right": "", "disparity_left": "", "disparity_right": ""}
    return Row(**{"source": source, "name": group, "group": group, "disparity_scale": math.nan, **facts, **changes})


def splits(rows: Iterable[Row], seed: int = 0, **limits: object) -> dict[str, str]:
    """Returns the split of each row by source/name."""
    held = list(rows)
    params = {"seed": seed, "sources": {}, "tasks": {}, "recipes": {}, "validate": limits}
    assign_splits(held, parse_params(params))
    return {one.item: one.split for one in held}


def test_a_photo_that_joins_five_moves_none() -> None:
    """Topping up small pools moved e from train to test when f came."""
    few, many = splits(map(row, "abcde")), splits(map(row, "abcdef"))
    assert {item: many[item] for item in few} == few


shares = st.floats(0, 0.5)
groups = st.tuples(st.sampled_from(("folder", "holiday", "a/b")), st.text(min_size=1))


@given(st.sets(groups), st.sets(groups), st.integers(0, 2**63), shares, shares)
def test_a_pool_that_grows_or_shrinks_moves_no_group(
    few: set[tuple[str, str]], more: set[tuple[str, str]], seed: int, validation: float, test: float
) -> None:
    limits = {"validation_share": validation, "test_share": test}
    before, after = (
        {(r.source, r.group): r for r in (row(group, source) for source, group in pool)} for pool in (few, few | more)
    )
    for pool in (before, after):
        splits(pool.values(), seed, **limits)
    assert {key: after[key].split for key in before} == {key: one.split for key, one in before.items()}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=1))
def test_benchmark_scenes_that_join_a_group_move_none_of_it(scenes: list[tuple[str, bool]]) -> None:
    """A scene of one's own keeps its split: where a benchmark scene lies beside it outside test, validation fails."""
    rows = [row(group, benchmark=benchmark) for group, benchmark in scenes]
    splits(rows)
    for group in "abc":
        held = [one for one in rows if one.group == group]
        own = not all(one.benchmark for one in held)
        assert {one.split for one in held} <= {drawn_split(0, "folder", group, 0.1, 0.1) if own else "test"}


def test_shares_and_seed_decide() -> None:
    rows = [row(f"g{number}") for number in range(500)]
    held = splits(rows, validation_share=0.1, test_share=0.2)
    counts = [list(held.values()).count(split) for split in SPLITS]
    assert counts == pytest.approx([350, 50, 100], abs=25)
    assert splits(rows, 1, validation_share=0.1, test_share=0.2) != held
    assert set(splits(rows, validation_share=0, test_share=0).values()) == {"train"}


def test_groups_are_those_of_a_source() -> None:
    rows = [row(f"g{number}", source) for number in range(50) for source in ("holiday", "studio")]
    held = splits(rows, validation_share=0.3, test_share=0.3)
    assert any(held[f"holiday/g{number}"] != held[f"studio/g{number}"] for number in range(50))


def test_a_source_and_params_say_a_split() -> None:
    rows = [row("a"), row("b"), row("c", declared="validation")]
    assert splits(rows, assign={"folder/b": "test"}) == {
        "folder/a": "train",
        "folder/b": "test",
        "folder/c": "validation",
    }
    with pytest.raises(UserError, match=r"no source/group is called 'folder/bridg': did you mean 'folder/bridge'\?"):
        splits([row("bridge")], assign={"folder/bridg": "test"})
    with pytest.raises(UserError, match=r"'folder/c' is validation wherever it is used, its source says; remove it"):
        splits(rows, assign={"folder/c": "test"})


names = st.text("ab/*,: {'ü", min_size=1).map("folder/{}".format)


@given(st.dictionaries(names, st.sampled_from(SPLITS)), st.sets(names))
def test_the_line_that_a_missing_split_asks_for_fills_it(held: dict[str, str], fixed: set[str]) -> None:
    try:
        require_splits("mine", held, fixed)
    except UserError as error:
        start, _, line = str(error).partition("before you train: ")
        if line:
            asked = yaml.safe_load(line.removesuffix("."))
            assert not asked.keys() & fixed
            require_splits("mine", held | asked, fixed)
        else:
            assert "add pictures of other scenes" in start
            assert len(held.keys() - fixed) < 3
    else:
        assert set(held.values()) == set(SPLITS)
