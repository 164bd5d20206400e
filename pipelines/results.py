"""What the other stages left about a task's recipes, read and put side by side; a broken file is an error."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import paths
from pipelines.display import BASELINES, METRICS, called, capitalized, metric, ranked
from restereo.digests import file_sha256
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

    @property
    def training(self) -> dict[str, Any]:
        """What the last training cost, and where it ran."""
        return self.cost.get("train") or {}

    @property
    def speeds(self) -> dict[str, float]:
        """Seconds for a megapixel, of the recipe and of the baselines measured beside it."""
        return (self.cost.get("evaluate") or {}).get("seconds_per_megapixel") or {}


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


def read_rows(file: Path, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Returns the rows of a CSV file: text in the columns `names`, elsewhere numbers where the text is one.

    No file, no rows; an empty cell is None.

    Raises:
        UserError: A column of `names` is missing.

    Example:
        >>> read_rows(Path("no-such-file.csv"))
        []
    """
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as handle:
        table = csv.DictReader(handle)
        missing = [name for name in names if name not in (table.fieldnames or ())]
        if missing:
            raise UserError(f"{file}: the column '{missing[0]}' is missing; {_again(file)}.")
        return [{k: text if k in names else _cell(text or "") for k, text in row.items() if k} for row in table]


def _cell(text: str) -> float | str | None:
    try:
        return float(text)
    except ValueError:
        return text or None


def write_cost(recipe: str, stage: str, facts: Mapping[str, Any]) -> None:
    """Replaces what a recipe's cost file says of one stage. DVC hashes no such file, and no content key includes it."""
    file = paths.cost(recipe)
    content = {**(read_json(file) or {}), stage: facts}
    paths.write_whole(file, json.dumps(content, indent=2, sort_keys=True) + "\n")


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
    """
    names = ("what", "variant", "scene")
    return [
        SceneFigures(
            row["what"], row["variant"], row["scene"], _figures({k: v for k, v in row.items() if k not in names})
        )
        for row in read_rows(file, names)
    ]


def _read_weights(file: Path) -> WeightsFile | None:
    if not file.is_file():
        return None
    return WeightsFile(file.stat().st_size, file_sha256(file))


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
        weights=_read_weights(run / "weights.safetensors"),
    )


@dataclass(frozen=True)
class Comparison:
    """What every section of the page reads.

    Attributes:
        recipes: Best first (by the headline figure of the first variant), then those without a figure.
        baselines: From the plainest to the cleverest.
        variants: Variant -> what -> metric -> mean; "clean" comes first.
        scenes: Variant -> what -> scene -> figures.
        doubts: Sentences on what does not fit together.
    """

    headline: str
    recipes: list[str]
    baselines: list[str]
    variants: dict[str, dict[str, Figures]]
    scenes: dict[str, dict[str, dict[str, Figures]]]
    doubts: list[str]

    @property
    def first(self) -> str:
        """The variant that decides."""
        return next(iter(self.variants))

    @property
    def metrics(self) -> list[str]:
        """Every metric that has a figure anywhere: known ones in the order of `METRICS`, then the others."""
        found = dict.fromkeys(
            name
            for whats in self.variants.values()
            for figures in whats.values()
            for name, value in figures.items()
            if value is not None
        )
        return [name for name in METRICS if name in found] + [name for name in found if name not in METRICS]

    def headlines(self, variant: str) -> dict[str, dict[str, float | None]]:
        """The headline figure of each scene: what -> scene -> figure."""
        return {
            what: {scene: figures.get(self.headline) for scene, figures in found.items()}
            for what, found in self.scenes.get(variant, {}).items()
        }

    def differences(self, what: str, other: str) -> list[float]:
        """By how much `what` is better than `other` in the headline, in each scene of the first variant."""
        figures, sign = self.headlines(self.first), metric(self.headline).better or 1
        mine, theirs = figures.get(what, {}), figures.get(other, {})
        return [sign * (a - b) for scene, a in mine.items() if a is not None and (b := theirs.get(scene)) is not None]


def compare(found: Sequence[RecipeResults]) -> Comparison:
    """Returns the results of a task's recipes, at least one, as one table.

    A baseline is measured beside every recipe; the first recipe's figures stand for it, and where another's
    differ (they were measured at different times), `doubts` names it. Only recipes with the headline of the
    first one are ranked.
    """
    names, headline = [result.recipe for result in found], found[0].headline
    variants: dict[str, dict[str, Figures]] = {}
    scenes: dict[str, dict[str, dict[str, Figures]]] = {}
    doubts = []
    for result in found:
        unlike: dict[str, None] = {}
        for variant, whats in result.variants.items():
            known = variants.setdefault(variant, {})
            unlike |= {
                called(what): None for what, figures in whats.items() if known.setdefault(what, figures) != figures
            }
        for row in result.scenes:
            scenes.setdefault(row.variant, {}).setdefault(row.what, {}).setdefault(row.name, row.figures)
        if unlike:
            doubts.append(
                f"{' and '.join(unlike)} {'has' if len(unlike) == 1 else 'have'} other figures beside {result.recipe} "
                f"than beside {names[0]}; they were not measured alike, so evaluate again."
            )
        if result.headline != headline:
            doubts.append(f"{result.recipe} is judged by {result.headline}, not by {headline} like {names[0]}.")
        if result.measured and result.weights and result.measured != result.weights.sha256:
            doubts.append(
                f"the figures of {result.recipe} are not of the weights in its run folder: evaluate it again."
            )
    variants = dict(sorted(variants.items(), key=lambda row: row[0] != "clean"))
    best_first = ranked(names, next(iter(variants.values())), headline)
    others = {what for whats in variants.values() for what in whats if what not in names}
    return Comparison(
        headline=headline,
        recipes=best_first + [name for name in names if name not in best_first],
        baselines=[name for name in BASELINES if name in others] + sorted(others - set(BASELINES)),
        variants=variants,
        scenes=scenes,
        doubts=[capitalized(doubt) for doubt in doubts],
    )
