"""MLflow's client, and what is read from its store. Imported when needed: MLflow and its first query take seconds."""

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from pipelines.environment import ENVIRONMENT, exclusive
from pipelines.tracking.store import LOCK_SECONDS, Store, Version, default_store
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCKED = "database is locked"
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
    # It would log a traceback of what is raised here as one message.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    before = dict(os.environ)
    try:
        mlflow.set_tracking_uri(place.uri)
        mlflow.set_registry_uri(place.uri)
        # MLflow writes both into the environment, where a later `default_store` would take them for the user's.
        for name in {"MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"} - before.keys():
            os.environ.pop(name, None)
        if place.database and not place.database.exists():
            _create_tables(place.database)
        client = mlflow.MlflowClient(place.uri, place.uri)
        client.search_experiments(max_results=1)
    except Exception as error:  # each kind of store fails in its own way
        raise store_error(place, error) from error
    return client


def _create_tables(database: Path) -> None:
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


def first_line(error: Exception) -> str:
    """Returns the first line of an error's message, at most 200 characters; its type if it has none.

    Example:
        >>> first_line(OSError("no route")), first_line(KeyError())
        ('no route', 'KeyError')
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def store_error(place: Store, error: Exception) -> UserError:
    """Returns what a person can do about an error of MLflow's store."""
    if LOCKED in str(error):
        message = f"{place.uri}: another program has kept it locked for 20 s; end that and run again."
        return UserError(message, passing=True)
    fresh = "move the file away and run again, every run is then imported afresh"
    other = "start the server, or unset MLFLOW_TRACKING_URI to use data/mlflow"
    message = f"{place.uri}: MLflow cannot use it ({first_line(error)}); {fresh if place.database else other}."
    return UserError(message, passing=not place.database)


def download_model(version: Version, folder: Path) -> Path:
    """Returns the run folder of a version (configuration, weights, calibration), copied below `folder`.

    Raises:
        UserError: Its files cannot be read.
    """
    return _download(version, version.uri, folder) / "artifacts"


def download_artifact(version: Version, path: str, folder: Path) -> Path:
    """Returns a file that was kept beside a version, such as `evaluation/R.json`, copied below `folder`.

    Raises:
        UserError: It cannot be read.
    """
    return _download(version, f"runs:/{version.run_id}/{path}", folder)


def _download(version: Version, uri: str, folder: Path) -> Path:
    import mlflow.artifacts

    try:
        return Path(mlflow.artifacts.download_artifacts(uri, dst_path=str(folder)))
    except Exception as error:  # each kind of store fails in its own way
        again = f"register recipe '{version.recipe}' again"
        raise UserError(f"{version}: {uri} cannot be read ({first_line(error)}); {again}.") from error
