"""What the other stages left about a recipe, read and typed: missing is empty, broken is an error."""

import csv
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import paths
from restereo.errors import UserError

Figures = dict[str, float | None]
STAGES = {
    "evaluation": "evaluate",
    "runs": "train",
    "pairs": "synthesize",
    "manifest": "validate",
    "cost": "train",
}


@dataclass(frozen=True)
class SceneFigures:
    """The figures of one scene: what was measured, on which kind of input."""

    what: str
    variant: str
    name: str
    figures: Figures


@dataclass(frozen=True)
class WeightsFile:
    """A weights file: its size in bytes and the hash of its content."""

    size: int
    sha256: str


@dataclass(frozen=True)
class RecipeResults:
    """All that is known about one evaluated recipe. A missing file is an empty dict or list, or None.

    Attributes:
        folder: Where the example pictures lie.
        measured: SHA-256 of the weights that were evaluated, None if that was not recorded.
        variants: Variant -> what -> metric -> mean over the scenes.
        pictures: The rows of `pictures.json`.
        history: The rows of `history.csv`; figures where the text is one, else the text.
    """

    recipe: str
    folder: Path
    headline: str
    measured: str | None
    variants: dict[str, dict[str, Figures]]
    scenes: list[SceneFigures]
    pictures: list[dict[str, Any]]
    config: dict[str, Any]
    environment: dict[str, Any]
    metrics: dict[str, Any]
    history: list[dict[str, Any]]
    cost: dict[str, Any]
    weights: WeightsFile | None


def read_json(file: Path) -> Any:
    """Returns the content of a JSON file, None if there is no such file.

    Raises:
        UserError: The file is not JSON.

    Example:
        >>> read_json(Path("no-such-file.json")) is None
        True
    """
    if not file.is_file():
        return None
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise UserError(f"{file}: it must be JSON; {_again(file)}.") from None


def read_rows(file: Path) -> list[dict[str, Any]]:
    """Returns the rows of a CSV file with numbers as floats and empty cells as None; no file, no rows.

    Example:
        >>> read_rows(Path("no-such-file.csv"))
        []
    """
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as handle:
        return [{key: cell(text or "") for key, text in row.items() if key} for row in csv.DictReader(handle)]


def cell(text: str) -> float | str | None:
    """Returns a CSV cell's number, its text, or None if it is empty.

    Example:
        >>> cell("21.5"), cell("Cones"), cell("")
        (21.5, 'Cones', None)
    """
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        return text


def flatten(content: Mapping[str, Any], separator: str = ".") -> dict[str, Any]:
    """Returns nested tables as one table whose keys are the paths through them.

    Example:
        >>> flatten({"seed": 0, "train": {"steps": 600, "size": [96, 96]}})
        {'seed': 0, 'train.steps': 600, 'train.size': [96, 96]}
    """
    flat: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}{separator}{inner}": leaf for inner, leaf in flatten(value, separator).items()}
        else:
            flat[key] = value
    return flat


def _again(file: Path) -> str:
    stage = next((STAGES[part] for part in file.parts if part in STAGES), "the stage that wrote it")
    return f"delete it and run `dvc --wait-for-lock repro` so that {stage} writes it again"


def _figures(values: Mapping[str, Any]) -> Figures:
    return {
        name: float(value) if isinstance(value, int | float) and not math.isnan(value) else None
        for name, value in values.items()
    }


def read_scenes(file: Path) -> list[SceneFigures]:
    """Returns the figures per scene that `evaluate` wrote; no file, no scenes.

    Raises:
        UserError: A column that names the scene is missing.

    Example:
        >>> read_scenes(Path("no-such-file.csv"))
        []
    """
    found = []
    with_names = ("what", "variant", "scene")
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as handle:
        rows = csv.DictReader(handle)
        for key in with_names:
            if key not in (rows.fieldnames or ()):
                raise UserError(f"{file}: the column '{key}' is missing; {_again(file)}.")
        for row in rows:
            values = {key: cell(text or "") for key, text in row.items() if key not in with_names and key}
            found.append(SceneFigures(row["what"], row["variant"], row["scene"], _figures(values)))
    return found


def read_weights(file: Path) -> WeightsFile | None:
    """Returns size and SHA-256 of a weights file, None if there is no such file.

    Example:
        >>> read_weights(Path("no-such-file.safetensors")) is None
        True
    """
    if not file.is_file():
        return None
    with file.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return WeightsFile(file.stat().st_size, digest)


def read(task: str, recipe: str) -> RecipeResults | None:
    """Returns what is known about a recipe of a task, None if it has not been evaluated.

    Raises:
        UserError: A file is broken or has no figures.
    """
    file = paths.metrics(task, recipe)
    content = read_json(file)
    if content is None:
        return None
    if not isinstance(content, dict) or not content.get("variants") or "headline" not in content:
        raise UserError(f"{file}: it must have 'headline' and 'variants'; {_again(file)}.")
    run = paths.run(recipe)
    return RecipeResults(
        recipe=recipe,
        folder=paths.pictures(task, recipe),
        measured=content.get("weights_sha256"),
        headline=str(content["headline"]),
        variants={
            variant: {what: _figures(values) for what, values in whats.items()}
            for variant, whats in content["variants"].items()
        },
        scenes=read_scenes(paths.scenes(task, recipe)),
        pictures=read_json(paths.pictures(task, recipe) / "pictures.json") or [],
        config=read_json(run / "config.json") or {},
        environment=read_json(run / "environment.json") or {},
        metrics=read_json(run / "metrics.json") or {},
        history=read_rows(run / "history.csv"),
        cost=read_json(paths.cost(recipe)) or {},
        weights=read_weights(run / "weights.safetensors"),
    )
