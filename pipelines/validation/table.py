"""What the suite looks at: a cell for each row and rule, with the file it is about.

One fault is one finding: what cannot be judged because of a worse fault is left empty.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.validation.manifest import Row, View
from pipelines.validation.parallax import SHIFTED
from pipelines.validation.rules import MISALIGNED
from restereo.config import Validate
from restereo.imaging.hashing import near_duplicates


@dataclass(frozen=True)
class Cell:
    """What a rule looks at, None = there is nothing to check, and the file, empty = the row's files."""

    value: Any
    file: str = ""


NOTHING = Cell(None)
Cells = dict[str, Cell]


def cells(rows: list[Row], limits: Validate) -> list[Cells]:
    """Returns for each row a cell for each rule of the suite, by the rule's name."""
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
        table.append(found | _of_a_picture(row, limits) | _of_a_pair(row, limits))
    return table


def _of_a_picture(row: Row, limits: Validate) -> Cells:
    turns = {view.stored.turn for view in row.views}
    turned = [view for view in row.views if view.stored.turn]
    return {
        "readable": Cell(row.problem or None, next((path for path in row.paths if path in row.problem), "")),
        "min_side": Cell(min(row.width, row.height) or None, row.path),
        "max_pixels": Cell(row.width * row.height or None, row.path),
        "licence": Cell(row.licence.strip() or None),
        "upright": Cell(turned[0].stored.turn, _files(turned)) if turned and len(turns) == 1 else NOTHING,
        **_of_views(row.views, limits),
    }


def _of_views(views: list[View], limits: Validate) -> Cells:
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


def _of_a_pair(row: Row, limits: Validate) -> Cells:
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
