"""MLflow, seen from the project: what its registry holds, and how a run gets into it.

Only this file and `serving.py`, which MLflow runs itself, import it, and only when it is needed: the import
and the first connection take seconds.
"""

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from pipelines.environment import ENVIRONMENT
from pipelines.exclusive import exclusive
from pipelines.lineage import requirements
from pipelines.record import Record
from pipelines.registry import CHALLENGER, all_versions, find_by_content_key, set_alias
from pipelines.store import KEY, LOADED, LOCK_SECONDS, Store, Version, default_store, local_path
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCKED = "database is locked"
SERVING = Path(__file__).with_name("serving.py")
SETTINGS = ENVIRONMENT | {
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # the default of 7 waits minutes for a server that is not there
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
}


def connect(place: Store | None = None) -> "MlflowClient":
    """Returns a client of the store, which is created if need be; MLflow's own functions then use it as well.

    Raises:
        UserError: There is no such server, or the database is not one of MLflow's.
    """
    place = place or default_store()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow warns about its own type hints while it is imported
        import mlflow.pyfunc
    # It would print a trace of what is raised as well, and said in one sentence here.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    wished = dict(os.environ)
    try:
        mlflow.set_tracking_uri(place.uri)
        mlflow.set_registry_uri(place.uri)
        # MLflow writes both into the environment, where a later `default_store` would take them for a wish.
        for name in {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} - wished.keys():
            os.environ.pop(name, None)
        if place.database and not place.database.exists():
            _create(place.database)
        client = mlflow.MlflowClient(place.uri, place.uri)
        client.search_experiments(max_results=1)
    except Exception as error:  # each kind of store fails in its own way
        raise _sentence(place, error) from error
    return client


def _create(database: Path) -> None:
    """Makes MLflow's tables in a file of another name first: a kill on the way leaves no half of them."""
    import mlflow

    busy = "another program makes MLflow's tables; wait and run again"
    with exclusive(database.with_name(".tables.lock"), LOCK_SECONDS, busy):
        for left in database.parent.glob(".tables-*.db*"):  # by one that was killed
            left.unlink()
        if not database.exists():
            draft = database.with_name(f".tables-{uuid4().hex}.db")  # MLflow remembers addresses
            mlflow.MlflowClient(f"sqlite:///{draft}", f"sqlite:///{draft}").search_experiments(max_results=1)
            draft.replace(database)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def _sentence(place: Store, error: Exception) -> UserError:
    if LOCKED in str(error):
        sentence = f"{place.uri}: another program has kept it locked for 20 s; end that and run again."
        return UserError(sentence, passing=True)
    fresh = "move the file away and run again, every run is then imported afresh"
    other = "start the server, or unset MLFLOW_TRACKING_URI to use data/mlflow"
    sentence = f"{place.uri}: MLflow cannot use it ({_reason(error)}); {fresh if place.database else other}."
    return UserError(sentence, passing=not place.database)


def load(uri: str) -> Any:
    """Returns the model at an address such as `models:/anaglyph@challenger`; its `predict` takes uint8 pictures."""
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(uri)


def fetch(version: Version, folder: Path) -> Path:
    """Returns the run folder of a version (configuration, weights, calibration), copied below `folder`.

    Raises:
        UserError: Its files cannot be read.
    """
    import mlflow.artifacts

    try:
        return Path(mlflow.artifacts.download_artifacts(version.uri, dst_path=str(folder))) / "artifacts"
    except Exception as error:  # each kind of store fails in its own way
        again = f"register recipe '{version.recipe}' again"
        raise UserError(f"{version}: its files cannot be read ({_reason(error)}); {again}.") from error


def artifact(version: Version, path: str, folder: Path) -> Path:
    """Returns a file that was kept beside a version, such as `evaluation/R.json`, copied below `folder`.

    Raises:
        UserError: It cannot be read.
    """
    import mlflow.artifacts

    try:
        address = f"runs:/{version.run_id}/{path}"
        return Path(mlflow.artifacts.download_artifacts(address, dst_path=str(folder)))
    except Exception as error:  # each kind of store fails in its own way
        again = f"register recipe '{version.recipe}' again"
        raise UserError(f"{version}: '{path}' of its run cannot be read ({_reason(error)}); {again}.") from error


def import_run(
    client: "MlflowClient", place: Store, record: Record, picture: np.ndarray, expected: np.ndarray, method: str
) -> tuple[Version, bool]:
    """Returns the version that holds a record, and True if it was imported just now.

    What an interrupted import of the same content left is removed first. Loaded back, the model must predict
    `expected` `(N, 2, H, W, 3)` from `picture`, an anaglyph made by `method`, before it becomes a version. The
    newest import gets the alias `challenger`. A version whose files are gone is imported afresh with its aliases.

    Raises:
        UserError: What was loaded back cannot predict or predicts otherwise, or the database is locked.
    """
    from mlflow.exceptions import MlflowException

    try:
        return _import_run(client, place, record, picture, expected, method)
    except MlflowException as error:
        if LOCKED in str(error):
            raise _sentence(place, error) from error
        raise


def _import_run(
    client: "MlflowClient", place: Store, record: Record, picture: np.ndarray, expected: np.ndarray, method: str
) -> tuple[Version, bool]:
    from mlflow.entities import Param

    found = find_by_content_key(client, record.task, record.content_key)
    if found and found.is_there:
        return found, False
    experiment = _experiment(client, place, record.task)
    _forget(client, experiment, record.task, record.content_key)
    started, finished = record.span
    tags = record.tags | {
        "mlflow.note.content": record.note,
        "mlflow.source.name": f"pipelines.register {record.recipe}",
        "mlflow.source.git.commit": record.tags["git_rev"],
    }
    run_name = f"{record.recipe}-{record.content_key[:6]}"
    run_id = client.create_run(experiment, started, tags, run_name).info.run_id
    try:
        params = [Param(name, value) for name, value in record.params.items()]
        for start in range(0, len(params), 100):  # what a server takes at once
            client.log_batch(run_id, params=params[start : start + 100])
        uri = _log_model(run_id, record)
        _load_back(uri, picture, expected, method)
        _log_figures(client, run_id, record, uri.removeprefix("models:/"), finished)
        for file, folder in record.files:
            client.log_artifact(run_id, str(file), folder)
        version = _create_version(client, run_id, record, uri, found.aliases if found else (CHALLENGER,))
        client.set_terminated(run_id, "FINISHED", finished)
    except BaseException:
        _forget(client, experiment, record.task, record.content_key)
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


def _forget(client: "MlflowClient", experiment: str, name: str, key: str) -> None:
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

    from pipelines.serving import signature

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


def _load_back(uri: str, picture: np.ndarray, expected: np.ndarray, method: str) -> None:
    try:
        views = load(uri).predict(picture, params={"method": method})
    except Exception as error:  # whatever is wrong with it, it must not be served
        reason = _reason(error)
        raise UserError(f"{uri}: loaded back, the model cannot predict ({reason}); nothing was registered.") from error
    if views.shape != expected.shape or np.abs(views.astype(np.int16) - expected).max() > 1:
        raise UserError(f"{uri}: loaded back, the model predicts otherwise than its folder; nothing was registered.")


def _log_figures(client: "MlflowClient", run_id: str, record: Record, model: str, finished: int | None) -> None:
    from mlflow.entities import Metric

    moment = finished or client.get_run(run_id).info.start_time
    points = [Metric(name, value, moment, step) for name, step, value in record.curves]
    points += [Metric(name, value, moment, 0, model, run_id=run_id) for name, value in record.metrics.items()]
    for start in range(0, len(points), 1000):  # what a server takes at once
        client.log_batch(run_id, metrics=points[start : start + 1000])


def _create_version(client: "MlflowClient", run_id: str, record: Record, uri: str, aliases: tuple[str, ...]) -> Version:
    from pipelines.serving import DESCRIPTION

    name = record.task
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name, description=DESCRIPTION.format(name=name))
    entry = client.create_model_version(
        name, uri, run_id, record.tags, description=record.note[:5000], model_id=uri.removeprefix("models:/")
    )
    location = client.get_model_version_download_uri(name, entry.version)
    version = Version(name, int(entry.version), run_id, record.content_key, record.recipe, aliases, location)
    for alias in aliases:
        set_alias(client, version, alias)
    client.set_model_version_tag(name, entry.version, LOADED, "true")
    return version
