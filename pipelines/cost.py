"""What a stage cost: kept beside the run folder, never hashed by DVC, never part of a content key."""

import json
import os
from typing import Any

from pipelines import paths


def read(recipe: str) -> dict[str, Any]:
    """Returns what is known of a recipe's costs, by stage; empty before the first training."""
    file = paths.cost(recipe)
    if not file.exists():
        return {}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def record(recipe: str, stage: str, facts: dict[str, Any]) -> None:
    """Replaces what the file says of one stage, and leaves the rest."""
    file = paths.cost(recipe)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps({**read(recipe), stage: facts}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    temporary.replace(file)
