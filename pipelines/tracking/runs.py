"""The import of a run folder: one run and one version for each content, whatever happened before."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.tracking.client import LOCKED, first_line, store_error
from pipelines.tracking.lineage import requirements
from pipelines.tracking.record import Record
from pipelines.tracking.registry import CHALLENGER, all_versions, find_by_content_key
from pipelines.tracking.store import KEY, LOADED, Store, Version, local_path
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

SERVING = Path(__file__).with_name("serving.py")


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
