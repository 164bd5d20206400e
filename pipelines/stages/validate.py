"""Stage `validate`: the manifest of all sources, its splits, and the suite that every row must pass."""

import json
import sys

from pipelines import paths
from pipelines.environment import run_stage
from pipelines.validation.manifest import measure_all, write_csv
from pipelines.validation.rules import findings, summary
from pipelines.validation.splits import assign_splits, require_splits
from pipelines.validation.suite import check
from restereo.config import load_params
from restereo.errors import UserError


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


if __name__ == "__main__":
    run_stage(main)
