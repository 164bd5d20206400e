"""What every row of the manifest must fulfil, what each rule looks at, and what to do about a row that breaks it."""

import math
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from pipelines import paths
from pipelines.validation.manifest import SHIFTED, Row, View
from restereo.config import SPLITS, Validate
from restereo.imaging.hashing import near_duplicates

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

NAMED_PER_RULE = 20
WORDS = {"critical": "error", "warning": "warning", "info": "note"}


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


@dataclass(frozen=True)
class Cell:
    """What a rule looks at, None = there is nothing to check, and the file, empty = the row's files."""

    value: Any
    file: str = ""


NOTHING = Cell(None)
Cells = dict[str, Cell]


def cells(rows: list[Row], limits: Validate) -> list[Cells]:
    """Returns for each row a cell for each rule of the suite, by the rule's name.

    One fault is one finding: what cannot be judged because of a worse fault is left empty.
    """
    # Pictures of nothing all look the same.
    looks = [row for row in rows if row.views and not any(_is_flat(view, limits) for view in row.views)]
    same, alike = same_bytes(rows), same_look(looks, limits.near_duplicate_bits)
    table = []
    for row in rows:
        others = same[row.item]
        elsewhere = [other for other in others if other.split != row.split]
        alike_there = [r for r in alike.get(row.item, []) if r.split != row.split and r not in elsewhere]
        of_the_set = {
            "unique_name": row.item,
            "benchmark_is_test": row.split if row.benchmark else None,
            "same_file_across_splits": _names(elsewhere),
            "near_duplicate_across_splits": _names(alike_there),
            "same_picture_twice": _names([other for other in others if other.split == row.split]),
        }
        found = {name: Cell(value) for name, value in of_the_set.items()}
        table.append(found | _cells_of_a_picture(row, limits) | _cells_of_a_pair(row, limits))
    return table


def _cells_of_a_picture(row: Row, limits: Validate) -> Cells:
    turns = {view.stored.turn for view in row.views}
    turned = [view for view in row.views if view.stored.turn]
    return {
        "readable": Cell(row.problem or None, next((path for path in row.paths if path in row.problem), "")),
        "min_side": Cell(min(row.width, row.height) or None, row.path),
        "max_pixels": Cell(row.width * row.height or None, row.path),
        "licence": Cell(row.licence.strip() or None),
        "upright": Cell(turned[0].stored.turn, _files(turned)) if turned and len(turns) == 1 else NOTHING,
        **_cells_of_views(row.views, limits),
    }


def _cells_of_views(views: list[View], limits: Validate) -> Cells:
    """Returns what is asked of each picture, for the worst of them."""
    rich = [view for view in views if not _is_flat(view, limits)]
    grey = [view for view in rich if view.mode != "RGB"]
    flattest = min(views, key=lambda view: view.std, default=None)
    shifted = max(rich, key=lambda view: view.parallax, default=None)
    alpha = [view for view in views if view.stored.see_through is not None]
    holes = [view for view in alpha if view.stored.see_through]
    return {
        "contrast": Cell(flattest.std, flattest.path) if flattest else NOTHING,
        "colour": Cell("grey", _files(grey)) if grey else Cell("RGB") if rich else NOTHING,
        "opaque": Cell(f"{_most_holes(holes):.1%} of it", _files(holes)) if holes else NOTHING,
        "no_alpha": Cell("alpha of 100 %", _files(alpha)) if alpha and not holes else NOTHING,
        "no_anaglyph": Cell(round(shifted.parallax, 2), shifted.path) if shifted else NOTHING,
    }


def _cells_of_a_pair(row: Row, limits: Validate) -> Cells:
    found = dict.fromkeys(("same_orientation", "same_size", "same_rows", "vertical_offset", "eye_order"), NOTHING)
    found["disparity"] = Cell(_disparity(row), row.disparity_left or row.disparity_right)
    if len(row.views) < 2:
        return found
    turns = [view.stored.turn or "upright" for view in row.views]
    if turns[0] != turns[1]:
        return found | {"same_orientation": Cell(f"left {turns[0]}, right {turns[1]}")}
    found["same_size"] = Cell(_size_right(row), row.path_right)
    offset = abs(row.vertical_offset)
    if offset > max(limits.max_vertical_offset, MISALIGNED * row.height):
        found["same_rows"] = Cell(f"{row.vertical_offset:+.1f} px")
    elif not math.isnan(offset):
        found["vertical_offset"] = Cell(offset)
    judged = not any(_is_flat(view, limits) or view.parallax > SHIFTED for view in row.views)
    if judged and found["same_rows"] is NOTHING and not math.isnan(row.eye_order):
        found["eye_order"] = Cell(round(row.eye_order, 2))
    return found


def _is_flat(view: View, limits: Validate) -> bool:
    return view.std < limits.min_std


def _most_holes(views: list[View]) -> float:
    return max(view.stored.see_through or 0.0 for view in views)


def _files(views: list[View]) -> str:
    return ", ".join(view.path for view in views)


def _names(rows: list[Row]) -> str | None:
    return ", ".join(f"{row.item} ({row.split})" for row in rows) or None


def _size_right(row: Row) -> str | None:
    same = row.size_right == f"{row.width}x{row.height}"
    return "as left" if same else row.size_right or None


def _disparity(row: Row) -> str | None:
    if row.problem or not (row.disparity_left or row.disparity_right) or _size_right(row) != "as left":
        return None
    return "unknown" if math.isnan(row.disparity_max) else "known"


def same_bytes(rows: list[Row]) -> dict[str, list[Row]]:
    """Returns, by item, the other rows that hold a file with the very same bytes."""
    holders: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for digest in {row.sha256, row.sha256_right} - {""}:
            holders[digest].append(row)
    return _others(rows, [(a, b) for same in holders.values() for a in same for b in same])


def same_look(rows: list[Row], bits: int) -> dict[str, list[Row]]:
    """Returns, by item, the other rows with a picture whose perceptual hash differs by at most `bits` bits."""
    hashed = [(row, text) for row in rows for text in (row.phash, row.phash_right) if text]
    hashes = np.array([int(text, 16) for _, text in hashed], dtype=np.uint64)
    pairs = [(hashed[i][0], hashed[j][0]) for i, j in near_duplicates(hashes, bits)]
    return _others(rows, pairs + [(b, a) for a, b in pairs])


def _others(rows: list[Row], pairs: list[tuple[Row, Row]]) -> dict[str, list[Row]]:
    found: dict[str, dict[str, Row]] = {row.item: {} for row in rows}
    for row, other in pairs:
        if other is not row:
            found[row.item][other.item] = other
    return {item: [others[name] for name in sorted(others)] for item, others in found.items()}


@dataclass(frozen=True)
class Finding:
    """A row that breaks a rule: what was found instead, and in which file."""

    value: str
    file: str


@dataclass(frozen=True)
class Verdict:
    """A rule's outcome: the items that break it."""

    rule: Rule
    success: bool
    failing: dict[str, Finding] = field(default_factory=dict)


def findings(verdicts: list[Verdict]) -> list[str]:
    """Returns one line for each row and rule that it breaks: the row, the file, the rule, the fix."""
    lines = []
    for verdict in verdicts:
        rule = verdict.rule
        word = WORDS[rule.severity]
        for item, one in list(verdict.failing.items())[:NAMED_PER_RULE]:
            lines.append(
                f"{word}: {item} ({one.file}): {rule.name}: {rule.description} (here: {one.value}); {rule.fix}."
            )
        if len(verdict.failing) > NAMED_PER_RULE:
            rest = len(verdict.failing) - NAMED_PER_RULE
            lines.append(f"{word}: {rest} more rows break '{rule.name}'; {paths.VALIDATION} names them all.")
    return lines


def summary(rows: list[Row], excluded: int, verdicts: list[Verdict]) -> dict[str, Any]:
    """Returns what `validation.json` holds: counts, and for each rule the rows that break it and their files."""
    counts = {
        f"{kind}s": {name: sum(r.kind == kind and r.split == name for r in rows) for name in SPLITS}
        for kind in ("pair", "photo")
    }
    return {
        "success": all(v.success for v in verdicts if v.rule.severity == "critical"),
        "rows": len(rows),
        "excluded": excluded,
        "benchmark": sum(row.benchmark for row in rows),
        **counts,
        "rules": {
            v.rule.name: {
                "rule": v.rule.description,
                "severity": v.rule.severity,
                "success": v.success,
                "failing": len(v.failing),
                "rows": {item: asdict(one) for item, one in v.failing.items()},
            }
            for v in verdicts
        },
    }
