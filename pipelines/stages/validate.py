"""Stage `validate`: the manifest of all sources, its splits, and the suite that every row must pass."""

import json
import sys
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from pipelines import paths
from pipelines.validation.manifest import Row, measure, read_index, write_csv
from pipelines.validation.splits import assign_splits, require_splits
from pipelines.validation.suite import Verdict, check
from restereo.config import SPLITS, Params, load_params
from restereo.errors import UserError
from restereo.progress import shown

NAMED_PER_RULE = 20
WORDS = {"critical": "error", "warning": "warning", "info": "note"}


def main() -> None:
    """Writes the manifest, the verdict on each rule, and Data Docs, then fails if a row failed.

    Raises:
        UserError: A row breaks a rule that is no mere warning (the rows are named on stderr before), or a task has
            no picture in one of its splits.
    """
    params = load_params()
    rows, excluded = measure_all(params)
    if not rows:
        raise UserError("params.yaml: no picture is left to train on; check sources and validate.exclude.")
    assign_splits(rows, params)
    verdicts = check(rows, params.validation, paths.DATA_DOCS)
    paths.MANIFEST.parent.mkdir(parents=True, exist_ok=True)
    paths.MANIFEST.write_text(write_csv(rows), encoding="utf-8")
    paths.VALIDATION.write_text(json.dumps(summary(rows, excluded, verdicts), indent=1) + "\n", encoding="utf-8")
    for line in findings(verdicts):
        print(line, file=sys.stderr)
    if broken := [v for v in verdicts if v.rule.severity == "critical" and not v.success]:
        items = {item for v in broken for item in v.failing}
        (first, one), rule = next(iter(broken[0].failing.items())), broken[0].rule.name
        raise UserError(
            f"{paths.MANIFEST}: {len(items)} of {len(rows)} rows break a rule (the first: {first}, {one.file}, "
            f"{rule}), all named above and in {paths.VALIDATION}; repair them, or leave them out with "
            "validate.exclude in params.yaml."
        )
    for name, task in params.tasks.items():
        own = {f"{row.source}/{row.group}": row for row in rows if row.source in task.sources}
        fixed = {group for group, row in own.items() if row.declared or row.benchmark}
        require_splits(name, {group: row.split for group, row in own.items()}, fixed)


def measure_all(params: Params) -> tuple[list[Row], int]:
    """Returns a row for each item that `validate.exclude` leaves, sorted, and how many it leaves out."""
    listed = [(source, item) for source in sorted(params.sources) for item in read_index(source)]
    kept = [
        (source, item)
        for source, item in sorted(listed, key=lambda one: (one[0], one[1].name))
        if not any(fnmatchcase(f"{source}/{item.name}", glob) for glob in params.validation.exclude)
    ]
    rows = [
        measure(source, item, paths.raw(source), params.validation.max_pixels)
        for source, item in shown(kept, "validate")
    ]
    return rows, len(listed) - len(kept)


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


if __name__ == "__main__":
    from pipelines.environment import run_stage

    run_stage(main)
