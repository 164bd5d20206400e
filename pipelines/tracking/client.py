"""MLflow's client: versions and aliases of the registry, and the files of a version.

MLflow itself is imported when a client is made: that and its first query take seconds.
"""

import logging
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from pipelines.environment import ENVIRONMENT, exclusive
from pipelines.tracking.store import KEY, LOADED, LOCK_SECONDS, Store, Version, default_store
from restereo.errors import UserError

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"
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


def versions(client: "MlflowClient", name: str) -> list[Version]:
    """Returns the finished versions of a registered model, the newest first; none if there is no such model."""
    return [version for version, finished in all_versions(client, name) if finished]


def find_by_content_key(client: "MlflowClient", name: str, key: str) -> Version | None:
    """Returns the finished version of a registered model that has this content key, or None."""
    return next((version for version in versions(client, name) if version.content_key == key), None)


def find_by_alias(client: "MlflowClient", name: str, alias: str) -> Version | None:
    """Returns the finished version that has this alias, or None."""
    return next((version for version in versions(client, name) if alias in version.aliases), None)


def all_versions(client: "MlflowClient", name: str) -> list[tuple[Version, bool]]:
    """Returns every version, the newest first, and whether its import was finished."""
    models = client.search_registered_models(f"name = '{name}'")
    if not models:
        return []
    found = []
    for entry in client.search_model_versions(f"name = '{name}'"):
        number, tags = int(entry.version), entry.tags
        aliases = tuple(sorted(a for a, holder in models[0].aliases.items() if int(holder) == number))
        location = client.get_model_version_download_uri(name, str(number))
        key, recipe = tags.get(KEY, ""), tags.get("recipe", "")
        found.append((Version(name, number, entry.run_id or "", key, recipe, aliases, location), LOADED in tags))
    return sorted(found, key=lambda pair: -pair[0].number)


def tags(client: "MlflowClient", version: Version) -> Mapping[str, str]:
    """Returns the lineage of a version and whatever else it is tagged with."""
    return dict(client.get_model_version(version.name, str(version.number)).tags)


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
