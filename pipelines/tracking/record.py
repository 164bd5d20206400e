"""What a finished run says of itself, as a tracking server keeps it."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines import display, paths, results
from pipelines.licences import CONDITIONS, licence_class, strictest
from pipelines.results import Figures, RecipeResults, flatten
from pipelines.tracking.lineage import content_key, files_below, work_tree
from restereo.errors import UserError
from restereo.io.pickles import check_not_pickle

MODEL_FILES = ("config.json", "weights.safetensors", "calibration.json")
"""What a model needs to predict: nothing else of the run folder goes into the registry."""
LINEAGE = ("data_sha256", "licences")
"""Keys of the configuration that say what went in, not how: tags, not parameters."""
GAP, DASH = "&emsp;", "–"
"""MLflow's page leaves no room between the columns of a table; what stands for a figure that does not exist."""
NOT_STATED = "not stated"
RESOLVED = "row.train"
"""What a recipe's row overrides; `train` holds the outcome."""


@dataclass(frozen=True)
class Record:
    """A run as the tracking server sees it.

    Attributes:
        recipe: The run's name.
        task: The experiment's and the registered model's name.
        content_key: SHA-256 over everything deterministic that the run left.
        params: The configuration, flat: `train.steps` and so on.
        metrics: Final figures: `clean/missing_psnr`, `baseline/grey/clean/missing_psnr`, `cost/train/seconds`.
        curves: (name, step, value) of the learning curves.
        tags: The lineage.
        note: A page in Markdown: what it is and how good.
        model_files: What the model is loaded from.
        files: (file, folder among the run's artifacts) of everything else worth keeping.
        time_range: Start and end of the training in milliseconds since 1970, where known.
    """

    recipe: str
    task: str
    content_key: str
    params: dict[str, str]
    metrics: dict[str, float]
    curves: list[tuple[str, int, float]]
    tags: dict[str, str]
    note: str
    model_files: list[Path]
    files: list[tuple[Path, str]]
    time_range: tuple[int | None, int | None]


def task_of(recipe: str) -> str:
    """Returns the task that a run folder was trained for.

    Raises:
        UserError: There is no such run folder, or its configuration names no task.
    """
    file = paths.run(recipe) / "config.json"
    config = results.read_json(file)
    if config is None:
        raise UserError(f"{file}: no such file; run `dvc --wait-for-lock repro train@{recipe}` first.")
    try:
        return str(config["row"]["task"])
    except (KeyError, TypeError):
        raise UserError(f"{file}: it has no 'row' with a 'task'; train the recipe again.") from None


def content_key_of(task: str, recipe: str) -> str:
    """Returns the content key of a recipe's run folder and evaluation. What it cost is not in it.

    Raises:
        UserError: The recipe has not been trained and evaluated, or a pickle lies in its run folder.
    """
    folder, evaluation = paths.run(recipe), paths.metrics(task, recipe)
    needed = [(folder / name, "train") for name in MODEL_FILES] + [(evaluation, "evaluate")]
    for file, stage in needed:
        if not file.is_file():
            raise UserError(f"{file}: no such file; run `dvc --wait-for-lock repro {stage}@{recipe}` first.")
    files = files_below(folder, "run")
    for file in files.values():
        check_not_pickle(file)
    files |= {"evaluation.json": evaluation} | files_below(paths.pictures(task, recipe), "pictures")
    if paths.scenes(task, recipe).is_file():
        files["evaluation.csv"] = paths.scenes(task, recipe)
    return content_key(files)


def _metrics(found: RecipeResults) -> Iterator[tuple[str, Any]]:
    """Yields every final figure under one flat name; some are None or no numbers at all."""
    for variant, table in found.variants.items():
        for what, row in table.items():
            prefix = variant if what == found.recipe else f"baseline/{what}/{variant}"
            yield from ((f"{prefix}/{metric}", value) for metric, value in row.items())
    yield from flatten({"run": found.metrics, "cost": found.cost}, "/").items()


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _curves(found: RecipeResults) -> Iterator[tuple[str, int, float]]:
    """Yields the learning curves; the page sorts by name, so that they stand above the figures."""
    for row in found.history:
        names = {"loss": f"{row['split']}_loss", "headline": f"{row['split']}_{found.headline}"}
        for column, name in (names | {"learning_rate": "learning_rate"}).items():
            if _is_finite(row.get(column)):
                yield f"all_steps/{name}", int(row["step"]), float(row[column])


def _tags(found: RecipeResults) -> dict[str, str]:
    """Returns the lineage: code, data, parameters, seed, hardware, licences."""
    config, training = found.config, found.cost.get("train", {})
    licences = sorted({str(licence) for licence in config.get("licences", [])})
    device = training.get("device") or found.environment.get("device", "unknown")
    machine, threads = (found.environment.get(key, "unknown") for key in ("machine", "threads"))
    known = {**config, **training}
    settings = {name: value for name, value in config.items() if name not in LINEAGE}
    return {
        "recipe": found.recipe,
        **work_tree(),
        **{f"train_{key}": str(known[key]).lower() for key in ("git_rev", "git_dirty") if key in known},
        "data_sha256": str(config.get("data_sha256", "unknown")),
        "params_sha256": hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest(),
        "seed": str(config.get("seed", "unknown")),
        "hardware": f"{device}, {machine}, threads: {threads}",
        "host": str(training.get("host", "unknown")),
        "licences": "; ".join(name or NOT_STATED for name in licences) or NOT_STATED,
        "licence_strictest": strictest(licences),
        "licence_class": licence_class("; ".join(licences)),
        "weights_sha256": found.weights.sha256 if found.weights else "unknown",
    }


def _table(variant: str, table: Mapping[str, Figures], recipe: str, headline: str) -> list[str]:
    """Returns a table in Markdown: a row for each metric, the recipe's column first, then the best baselines."""
    order = display.ranked(sorted(table), table, headline)
    names = sorted([*order, *sorted(table.keys() - set(order))], key=lambda what: what != recipe)
    metrics = {metric: None for row in table.values() for metric, value in row.items() if value is not None}
    lines = [f"| {variant} {GAP}| {' | '.join(f'{name} {GAP}' for name in names)} |", f"|---|{'---|' * len(names)}"]
    for metric in metrics:
        cells = [DASH if (value := table[name].get(metric)) is None else f"{value:.3g}" for name in names]
        lines.append(f"| {metric} {GAP}| **{cells[0]}** | {' | '.join(cells[1:])} |")
    return [*lines, ""]


def _note(found: RecipeResults, tags: Mapping[str, str]) -> str:
    """Returns a page in Markdown: the headline in a plain line, figures beside the baselines, the lineage."""
    recipe, headline = found.recipe, found.headline
    places, figures = max(2, display.metric(headline).decimals), []
    for variant, table in found.variants.items():
        order = display.ranked(sorted(table), table, headline)
        known = {what: f"{table[what][headline]:.{places}f}" for what in order}
        best = next((what for what in order if what != recipe), None)
        figures.append(f"{known.get(recipe, DASH)} ({variant}{f'; {best} {known[best]}' if best else ''})")
    lines = [f"{recipe}: {headline} {', '.join(figures)}, mean over the test scenes", ""]
    use, strict = CONDITIONS[tags["licence_class"]], tags["licence_strictest"]
    why = "; what nobody has said counts as the strictest" if tags["licence_class"] == "unknown" else ""
    # Above the tables: a long note is cut at its end.
    lines += [f"**Use: {use}.** Strictest licence of its data: {strict}{why}.", ""]
    for variant, table in found.variants.items():
        lines += _table(variant, table, recipe, headline)
    dirty = " with uncommitted changes" if tags["git_dirty"] == "true" else ""
    code = f"Code `{tags['git_rev'][:12]}`{dirty}, data `{tags['data_sha256'][:12]}`, seed {tags['seed']}"
    return "\n".join([*lines, f"{code}, {tags['hardware']}.", "", f"Licences of the data: {tags['licences']}."])


def _time_range(training: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Returns start and end of the training in milliseconds since 1970, None where unknown."""
    if "started" not in training:
        return None, None
    started = int(datetime.fromisoformat(training["started"]).timestamp() * 1000)
    return started, started + int(training["seconds"] * 1000) if "seconds" in training else None


def _files(found: RecipeResults, task: str) -> list[tuple[Path, str]]:
    """Returns what is worth keeping beside the model, with its folder; weights are kept once, in the model."""
    recipe = found.recipe
    kept = [(f, "run") for f in files_below(paths.run(recipe), "").values() if f.suffix in {".json", ".csv"}]
    kept += [(f, "evaluation") for f in (paths.metrics(task, recipe), paths.scenes(task, recipe)) if f.is_file()]
    for name, file in files_below(paths.pictures(task, recipe), "pictures").items():
        kept.append((file, name.rpartition("/")[0]))
    return kept


def read(task: str, recipe: str) -> Record:
    """Returns what the run folder, the evaluation and the cost of a recipe say.

    Raises:
        UserError: A file is missing or damaged, or a pickle lies in the run folder.
    """
    key = content_key_of(task, recipe)
    found = results.read(task, recipe)
    if found is None:
        raise UserError(f"{paths.metrics(task, recipe)}: no such file; evaluate the recipe first.")
    judged = results.read_json(paths.metrics(task, recipe)).get("weights_sha256")
    if judged and found.weights and judged != found.weights.sha256:
        file, again = paths.metrics(task, recipe), f"run `dvc --wait-for-lock repro evaluate@{recipe}`"
        raise UserError(f"{file}: it judged other weights than those in {paths.run(recipe)}; {again}.")
    tags = _tags(found) | {"content_key": key}
    settings = flatten({name: value for name, value in found.config.items() if name not in LINEAGE})
    return Record(
        recipe=recipe,
        task=task,
        content_key=key,
        params={name: str(value) for name, value in settings.items() if not name.startswith(RESOLVED)},
        metrics={name: float(value) for name, value in _metrics(found) if _is_finite(value)},
        curves=list(_curves(found)),
        tags=tags,
        note=_note(found, tags),
        model_files=[paths.run(recipe) / name for name in MODEL_FILES],
        files=_files(found, task),
        time_range=_time_range(found.cost.get("train", {})),
    )
