"""A run folder as a run of MLflow: the record of what it says of itself, and its import, once for each content."""

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipelines import display, paths, results
from pipelines.licences import CONDITIONS, licence_class, strictest
from pipelines.results import Figures, RecipeResults, flatten
from pipelines.tracking.client import CHALLENGER, LOCKED, all_versions, find_by_content_key, first_line, store_error
from pipelines.tracking.lineage import content_key, files_below, requirements, work_tree
from pipelines.tracking.store import KEY, LOADED, Store, Version, local_path
from restereo.errors import UserError
from restereo.io.pickles import check_not_pickle

if TYPE_CHECKING:
    from mlflow import MlflowClient

SERVING = Path(__file__).with_name("serving.py")
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


@dataclass(frozen=True)
class Example:
    """A picture and what the run folder itself predicts from it.

    Attributes:
        picture: `(H, W, 3)` uint8, an anaglyph.
        method: How it was made.
        views: `(N, V, H, W, 3)` uint8.
    """

    picture: NDArray[np.uint8]
    method: str
    views: NDArray[np.uint8]


def import_run(client: "MlflowClient", place: Store, record: Record, example: Example) -> tuple[Version, bool]:
    """Returns the version that holds a record, and True if it was imported just now.

    What an interrupted import of the same content left is removed first. Loaded back, the model must predict
    the example's views before it becomes a version. The newest import gets the alias `challenger`. A version whose
    files are gone is imported afresh with its aliases.

    Raises:
        UserError: What was loaded back cannot predict or predicts otherwise, or the database is locked.
    """
    from mlflow.exceptions import MlflowException

    try:
        return _import_run(client, place, record, example)
    except MlflowException as error:
        if LOCKED in str(error):
            raise store_error(place, error) from error
        raise


def _import_run(client: "MlflowClient", place: Store, record: Record, example: Example) -> tuple[Version, bool]:
    from mlflow.entities import Param

    found = find_by_content_key(client, record.task, record.content_key)
    if found and found.is_there:
        return found, False
    experiment = _experiment(client, place, record.task)
    _delete_content(client, experiment, record.task, record.content_key)
    started, finished = record.time_range
    tags = record.tags | {
        "mlflow.note.content": record.note,
        "mlflow.source.name": f"pipelines.stages.register {record.recipe}",
        "mlflow.source.git.commit": record.tags["git_rev"],
    }
    run_name = f"{record.recipe}-{record.content_key[:6]}"
    run_id = client.create_run(experiment, started, tags, run_name).info.run_id
    try:
        params = [Param(name, value) for name, value in record.params.items()]
        for start in range(0, len(params), 100):  # what a server takes at once
            client.log_batch(run_id, params=params[start : start + 100])
        uri = _log_model(run_id, record)
        _check_prediction(uri, example)
        _log_metrics(client, run_id, record, uri.removeprefix("models:/"), finished)
        for file, folder in record.files:
            client.log_artifact(run_id, str(file), folder)
        version = _create_version(client, run_id, record, uri, found.aliases if found else (CHALLENGER,))
        client.set_terminated(run_id, "FINISHED", finished)
    except BaseException:
        _delete_content(client, experiment, record.task, record.content_key)
        raise
    return version, True


def _experiment(client: "MlflowClient", place: Store, name: str) -> str:
    """Returns the id of the task's experiment, which keeps its files where the store does."""
    found = client.get_experiment_by_name(name)
    if found is None:
        folder = f"{place.artifacts}/{name}" if place.artifacts else None
        # The page of the other kind is about prompts and traces and hides the charts.
        return str(client.create_experiment(name, folder, {"mlflow.experimentKind": "custom_model_development"}))
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    root, here = local_path(place.artifacts or ""), local_path(found.artifact_location)
    if place.database and root and here and not here.is_relative_to(root):
        moved = f"its files were kept in {here}; the folder has been moved, so delete it and run again"
        raise UserError(f"{place.database}: {moved}, every run is then imported afresh.")
    return str(found.experiment_id)


def _delete_content(client: "MlflowClient", experiment: str, name: str, key: str) -> None:
    """Removes every version, model and run with this content key."""
    for version, _ in all_versions(client, name):
        if version.content_key == key:
            client.delete_model_version(name, str(version.number))
    same = f"tags.{KEY} = '{key}'"
    for model in client.search_logged_models([experiment], same):
        client.delete_logged_model(model.model_id)
    for run in client.search_runs([experiment], same):
        client.delete_run(run.info.run_id)


def _log_model(run_id: str, record: Record) -> str:
    """Returns the address of the model, stored with its files but not yet a version."""
    import mlflow.pyfunc

    from pipelines.tracking.serving import signature

    licence = {name: record.tags[name] for name in ("licence_strictest", "licence_class")}
    with warnings.catch_warnings(), mlflow.start_run(run_id=run_id):
        warnings.filterwarnings("ignore", message=".*An input example was not provided")
        info = mlflow.pyfunc.log_model(
            name=record.recipe,
            python_model=str(SERVING),
            artifacts={file.stem: str(file) for file in record.model_files},
            signature=signature(),
            pip_requirements=requirements(),
            tags={KEY: record.content_key, "recipe": record.recipe} | licence,
        )
    return str(info.model_uri)


def _check_prediction(uri: str, example: Example) -> None:
    import mlflow.pyfunc

    try:
        views = mlflow.pyfunc.load_model(uri).predict(example.picture, params={"method": example.method})
    except Exception as error:  # whatever is wrong with it, it must not be served
        reason = f"loaded back, the model cannot predict ({first_line(error)}); nothing was registered"
        raise UserError(f"{uri}: {reason}.") from error
    if views.shape != example.views.shape or np.abs(views.astype(np.int16) - example.views).max() > 1:
        raise UserError(f"{uri}: loaded back, the model predicts otherwise than its folder; nothing was registered.")


def _log_metrics(client: "MlflowClient", run_id: str, record: Record, model: str, finished: int | None) -> None:
    from mlflow.entities import Metric

    moment = finished or client.get_run(run_id).info.start_time
    points = [Metric(name, value, moment, step) for name, step, value in record.curves]
    points += [Metric(name, value, moment, 0, model, run_id=run_id) for name, value in record.metrics.items()]
    for start in range(0, len(points), 1000):  # what a server takes at once
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _create_version(client: "MlflowClient", run_id: str, record: Record, uri: str, aliases: tuple[str, ...]) -> Version:
    from pipelines.tracking.serving import DESCRIPTION

    name = record.task
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=DESCRIPTION.format(name=name))
    entry = client.create_model_version(
        name, uri, run_id, record.tags, description=record.note[:5000], model_id=uri.removeprefix("models:/")
    )
    location = client.get_model_version_download_uri(name, entry.version)
    for alias in aliases:
        client.set_registered_model_alias(name, alias, entry.version)
    client.set_model_version_tag(name, entry.version, LOADED, "true")
    return Version(name, int(entry.version), run_id, record.content_key, record.recipe, aliases, location)
