"""What every row of the manifest must fulfil, and what to do about a row that does not."""

import math
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.checks.manifest import Row
from pipelines.checks.relations import same_bytes, same_look, splits_of_groups
from restereo.config import Validate

Severity = Literal["critical", "warning"]

NULL = "ExpectColumnValuesToBeNull"
FILLED = "ExpectColumnValuesToNotBeNull"
BETWEEN = "ExpectColumnValuesToBeBetween"
ONE_OF = "ExpectColumnValuesToBeInSet"
UNIQUE = "ExpectColumnValuesToBeUnique"

SPLITS = ["train", "validation", "test"]
LEAVE_OUT = "leave it out with validate.exclude"
ONE_GROUP = "put both into one group of the source, or leave one out with validate.exclude"


@dataclass(frozen=True)
class Rule:
    """An expectation on the column of `table` that has its name, why, and what to do about a row that breaks it.

    Attributes:
        name: Its key in `validation.json`, its column and its heading in the Data Docs.
        expectation: Great Expectations' name of it.
        arguments: What that takes beside the column.
        sentence: The rule.
        fix: What to do about a row that breaks it.
        severity: Only "critical" ones fail the stage.
    """

    name: str
    expectation: str
    arguments: dict[str, Any]
    sentence: str
    fix: str = LEAVE_OUT
    severity: Severity = "critical"


def rules(limits: Validate) -> list[Rule]:
    """Returns the suite.

    Example:
        >>> [rule.name for rule in rules(Validate()) if rule.severity == "warning"]
        ['same_picture_twice', 'vertical_offset']
    """
    return [*_rules_of_a_picture(limits), *_rules_of_the_set(limits), *_warnings(limits)]


def _rules_of_a_picture(limits: Validate) -> list[Rule]:
    side, pixels, std = limits.min_side, limits.max_pixels, limits.min_std
    no_map = "say its disparity_scales, or remove the map"
    licences = "say them with 'licence' or 'licences' of the source"
    return [
        Rule("readable", NULL, {}, "every file is there and can be read", f"mend it or {LEAVE_OUT}"),
        Rule("min_side", BETWEEN, {"min_value": side}, f"no side is shorter than {side} px"),
        Rule("max_pixels", BETWEEN, {"max_value": pixels}, f"at most {pixels:,} pixels"),
        Rule("colour", ONE_OF, {"value_set": ["RGB"]}, "it has colour: grey teaches no colour"),
        Rule("contrast", BETWEEN, {"min_value": std}, f"luma deviates by at least {std:g} of 255"),
        Rule("same_size", ONE_OF, {"value_set": ["as left"]}, "both eyes have the same size"),
        Rule("disparity", ONE_OF, {"value_set": ["known"]}, "a map holds finite values", no_map),
        Rule("licence", FILLED, {}, "its terms of use are known", licences),
    ]


def _rules_of_the_set(limits: Validate) -> list[Rule]:
    alike = f"pictures that look the same ({limits.near_duplicate_bits} bits of 64 or less apart) are in one split"
    in_test = "the public benchmark's scenes are test"
    return [
        Rule("unique_name", UNIQUE, {}, "a name is used once in its source", "rename one of the two"),
        Rule("split", ONE_OF, {"value_set": SPLITS}, "it is in a split", "check the shares"),
        Rule("one_split_a_group", ONE_OF, {"value_set": SPLITS}, "a group is in one split"),
        Rule("benchmark_is_test", ONE_OF, {"value_set": ["test"]}, in_test),
        Rule("same_file_across_splits", NULL, {}, "the same file is in one split", ONE_GROUP),
        Rule("near_duplicate_across_splits", NULL, {}, alike, ONE_GROUP),
    ]


def _warnings(limits: Validate) -> list[Rule]:
    offset = limits.max_vertical_offset
    rows = f"rows of the two eyes agree within {offset:g} px"
    twice = "a picture that is there twice counts double"
    return [
        Rule("same_picture_twice", NULL, {}, twice, severity="warning"),
        # Real rigs are off by up to 2.8 px, and a picture without detail can be misjudged: no reason to stop.
        Rule("vertical_offset", BETWEEN, {"max_value": offset}, rows, "rectify it", "warning"),
    ]


def table(rows: list[Row], limits: Validate) -> dict[str, list[Any]]:
    """Returns a column for each rule, and the rows' names. None = there is nothing to check."""
    same, alike, splits = same_bytes(rows), same_look(rows, limits.near_duplicate_bits), splits_of_groups(rows)
    columns: dict[str, list[Any]] = {}

    def add(**cells: Any) -> None:
        for name, cell in cells.items():
            columns.setdefault(name, []).append(cell)

    for row in rows:
        elsewhere = [r for r in same[row.item] if r.split != row.split]
        alike_elsewhere = [r for r in alike[row.item] if r.split != row.split and r not in elsewhere]
        add(
            item=row.item,
            unique_name=row.item,
            split=row.split,
            readable=row.problem or None,
            min_side=min(row.width, row.height) or None,
            max_pixels=row.width * row.height or None,
            colour=row.mode if row.phash else None,
            contrast=row.std,
            same_size=_size_right(row),
            disparity=_disparity(row),
            licence=row.licence or None,
            one_split_a_group=splits[row.group],
            benchmark_is_test=row.split if row.benchmark else None,
            same_file_across_splits=_names(elsewhere),
            near_duplicate_across_splits=_names(alike_elsewhere),
            same_picture_twice=_names([r for r in same[row.item] if r.split == row.split]),
            vertical_offset=abs(row.vertical_offset),
        )
    return columns


def _names(rows: list[Row]) -> str | None:
    return ", ".join(f"{row.item} ({row.split})" for row in rows) or None


def _size_right(row: Row) -> str | None:
    same = row.size_right == f"{row.width}x{row.height}"
    return "as left" if same else row.size_right or None


def _disparity(row: Row) -> str | None:
    if row.problem or not (row.disparity_left or row.disparity_right) or _size_right(row) != "as left":
        return None
    return "unknown" if math.isnan(row.disparity_max) else "known"
