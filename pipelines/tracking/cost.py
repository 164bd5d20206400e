"""What a stage cost: kept beside the run folder, never hashed by DVC, never part of a content key."""

import json
from typing import Any

from pipelines import paths
from pipelines.reporting import results


def record(recipe: str, stage: str, facts: dict[str, Any]) -> None:
    """Replaces what a recipe's file says of one stage, and leaves the rest."""
    file = paths.cost(recipe)
    content = {**(results.read_json(file) or {}), stage: facts}
    paths.write_whole(file, json.dumps(content, indent=2, sort_keys=True) + "\n")
