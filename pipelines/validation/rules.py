"""What every row of the manifest must fulfil, and what to do about a row that does not."""

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.validation.parallax import SHIFTED
from restereo.config import Validate

Severity = Literal["critical", "warning", "info"]

NULL = "ExpectColumnValuesToBeNull"
FILLED = "ExpectColumnValuesToNotBeNull"
BETWEEN = "ExpectColumnValuesToBeBetween"
ONE_OF = "ExpectColumnValuesToBeInSet"
UNIQUE = "ExpectColumnValuesToBeUnique"

LEAVE_OUT = "leave it out with validate.exclude"
ONE_SPLIT = f"put both into one group of the source, or into one split with validate.assign, or {LEAVE_OUT}"
MISALIGNED = 0.01
"""Share of the height from which rows that disagree are no rig's tolerance (43 training pairs: at most .003)."""


@dataclass(frozen=True)
class Rule:
    """An expectation on the column of the suite's table that has its name, why, and what to do about a row.

    Attributes:
        name: Its key in `validation.json`, its column and its heading in the Data Docs.
        expectation: Great Expectations' name of it.
        arguments: What that takes beside the column.
        description: The rule.
        fix: What to do about a row that breaks it.
        severity: Only "critical" ones fail the stage; "info" tells what reading mends.
    """

    name: str
    expectation: str
    arguments: dict[str, Any]
    description: str
    fix: str = LEAVE_OUT
    severity: Severity = "critical"


def rules(limits: Validate) -> list[Rule]:
    """Returns the suite.

    Example:
        >>> [rule.name for rule in rules(Validate()) if rule.severity != "critical"]
        ['same_picture_twice', 'vertical_offset', 'upright', 'no_alpha']
    """
    return [*_of_a_picture(limits), *_of_a_pair(limits), *_of_the_set(limits), *_warnings(limits), *_notes()]


def _of_a_picture(limits: Validate) -> list[Rule]:
    side, pixels, std = limits.min_side, limits.max_pixels, limits.min_std
    see_through = "nothing is see-through: reading would lay it on white"
    one_view = "it is one view, no anaglyph: no channels stand shifted"
    licences = "say them with 'licence' or 'licences' of the source"
    return [
        Rule("readable", NULL, {}, "every file is there and can be read", f"repair it or {LEAVE_OUT}"),
        Rule("min_side", BETWEEN, {"min_value": side}, f"no side is shorter than {side} px"),
        Rule("max_pixels", BETWEEN, {"max_value": pixels}, f"at most {pixels:,} pixels"),
        Rule("contrast", BETWEEN, {"min_value": std}, f"luma deviates by at least {std:g} of 255"),
        Rule("colour", ONE_OF, {"value_set": ["RGB"]}, "it has colour: grey teaches no colour"),
        Rule("opaque", NULL, {}, see_through, f"save it without alpha or {LEAVE_OUT}"),
        Rule("no_anaglyph", BETWEEN, {"max_value": SHIFTED}, one_view),
        Rule("licence", FILLED, {}, "its terms of use are known", licences),
    ]


def _of_a_pair(limits: Validate) -> list[Rule]:
    turned = "the files of both eyes lie the same way up (EXIF orientation)"
    share, offset = MISALIGNED * 100, limits.max_vertical_offset
    rows = f"rows of the two eyes agree within {share:g} % of the height, or {offset:g} px"
    order = "the left picture is the left eye's"
    swap = "swap the two files, or lower validate.min_eye_order if they are right"
    no_map = "say its disparity_scales, or remove the map"
    return [
        Rule("same_orientation", NULL, {}, turned, f"save both upright or {LEAVE_OUT}"),
        Rule("same_size", ONE_OF, {"value_set": ["as left"]}, "both eyes have the same size"),
        Rule("same_rows", NULL, {}, rows, f"rectify it or {LEAVE_OUT}"),
        Rule("eye_order", BETWEEN, {"min_value": limits.min_eye_order}, order, swap),
        Rule("disparity", ONE_OF, {"value_set": ["known"]}, "a map holds finite values", no_map),
    ]


def _of_the_set(limits: Validate) -> list[Rule]:
    alike = f"pictures that look the same ({limits.near_duplicate_bits} bits of 64 or less apart) are in one split"
    in_test = "the public benchmark's scenes are test"
    to_test = f"make its whole group test with validate.assign, or {LEAVE_OUT}"
    return [
        Rule("unique_name", UNIQUE, {}, "a name is used once in its source", "rename one of the two"),
        Rule("benchmark_is_test", ONE_OF, {"value_set": ["test"]}, in_test, to_test),
        Rule("same_file_across_splits", NULL, {}, "the same file is in one split", ONE_SPLIT),
        Rule("near_duplicate_across_splits", NULL, {}, alike, ONE_SPLIT),
    ]


def _warnings(limits: Validate) -> list[Rule]:
    offset = limits.max_vertical_offset
    rows = f"rows of the two eyes agree within {offset:g} px"
    twice = "a picture that is there twice counts double"
    return [
        Rule("same_picture_twice", NULL, {}, twice, severity="warning"),
        # Good rigs are off by 3 px of 1,400 rows: no reason to stop.
        Rule("vertical_offset", BETWEEN, {"max_value": offset}, rows, "rectify it", "warning"),
    ]


def _notes() -> list[Rule]:
    upright = "its file lies upright (EXIF orientation); it is turned whenever it is read here"
    alpha = "its file has no alpha channel; this one shows all of the picture and is dropped"
    return [
        Rule("upright", NULL, {}, upright, "nothing needs doing", "info"),
        Rule("no_alpha", NULL, {}, alpha, "nothing needs doing", "info"),
    ]
