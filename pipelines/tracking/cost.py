"""What a stage cost: kept beside the run folder, never hashed by DVC, never part of a content key."""

import json
import os
from typing import Any

from pipelines import paths
from pipelines.reporting import results


def record(recipe: str, stage: str, facts: dict[str, Any]) -> None:
    """Replaces what a recipe's file says of one stage, and leaves the rest."""
    file = paths.cost(recipe)
    content = {**(results.read_json(file) or {}), stage: facts}
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(file)
