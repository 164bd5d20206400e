"""What rows of the manifest have to do with each other: the same file or the same look twice."""

from collections import defaultdict

import numpy as np

from pipelines.validation.manifest import Row
from restereo.imaging.hashing import near_duplicates


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
