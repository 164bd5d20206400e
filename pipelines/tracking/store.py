"""Where MLflow's store is, who may write to it, and a quick look into it. MLflow is not imported here."""

import os
import sqlite3
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlparse

from pipelines import paths
from pipelines.environment import exclusive

KEY = "content_key"
LOADED = "loaded_back"
"""Tag that a version gets last: one without it was interrupted and counts for nothing."""
LOCK_SECONDS = 300.0


@dataclass(frozen=True)
class Store:
    """Where runs and models go.

    Attributes:
        uri: MLflow's address.
        artifacts: Address of the folder for pictures and models; None if a server decides.
        database: The file, if the store is sqlite.
    """

    uri: str
    artifacts: str | None
    database: Path | None


@dataclass(frozen=True)
class Version:
    """One version of a registered model."""

    name: str
    number: int
    run_id: str
    content_key: str
    recipe: str
    aliases: tuple[str, ...]
    location: str

    def __str__(self) -> str:
        aliases = f" ({', '.join(self.aliases)})" if self.aliases else ""
        return f"{self.name} version {self.number}{aliases}"

    @property
    def uri(self) -> str:
        """The address that MLflow loads it from."""
        return f"models:/{self.name}/{self.number}"

    @property
    def is_there(self) -> bool:
        """False if the model's files were on this machine and are gone."""
        folder = local_path(self.location)
        return folder is None or (folder / "MLmodel").is_file()


def local_path(location: str) -> Path | None:
    """Returns the path of an artifact's address, None if it is not on this machine.

    Example:
        >>> local_path("file:///srv/a%20b").as_posix(), local_path("s3://bucket/models")
        ('/srv/a b', None)
    """
    parsed = urlparse(location)
    return Path(unquote(parsed.path)) if parsed.scheme in ("", "file") and parsed.path else None


def default_store() -> Store:
    """Returns the store that `MLFLOW_TRACKING_URI` names, else sqlite and a folder under `data/mlflow`.

    The paths are absolute: with a relative one, MLflow loses the runs of whoever works in another folder.
    `RESTEREO_ARTIFACT_ROOT` says where artifacts go beside a database server (`s3://...`).

    Example:
        >>> Path(urlparse(default_store().artifacts).path).is_absolute() or "MLFLOW_TRACKING_URI" in os.environ
        True
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{(paths.MLFLOW / 'mlflow.db').absolute()}"
    if uri.startswith("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///")).absolute()
        return Store(f"sqlite:///{database}", (database.parent / "artifacts").as_uri(), database)
    if uri.startswith(("http:", "https:", "databricks")):
        return Store(uri, None, None)
    root = os.environ.get("RESTEREO_ARTIFACT_ROOT") or (paths.MLFLOW / "artifacts").absolute().as_uri()
    return Store(uri, root, None)


def lock(place: Store, seconds: float = LOCK_SECONDS) -> AbstractContextManager[None]:
    """Lets one process at a time write to a local store: two that create its tables at once break each other."""
    if place.database is None:
        return nullcontext()
    busy = f"another register stage has held it for {seconds:.0f} s; wait and run again"
    return exclusive(place.database.parent / ".register.lock", seconds, busy)


def peek(place: Store, name: str, key: str) -> Version | None:
    """Returns the version with this content key by asking the sqlite file itself, in milliseconds.

    None means "not seen", never "not there": the file may be missing, locked, or of another schema.
    """
    if place.database is None or not place.database.is_file():
        return None
    query = """
        select v.version, v.run_id, v.storage_location, r.value from model_versions v
        join model_version_tags k on k.name = v.name and k.version = v.version and k.key = ? and k.value = ?
        join model_version_tags l on l.name = v.name and l.version = v.version and l.key = ?
        left join model_version_tags r on r.name = v.name and r.version = v.version and r.key = 'recipe'
        where v.name = ? and v.current_stage <> 'Deleted_Internal' order by v.version desc limit 1"""
    try:
        connection = sqlite3.connect(f"{place.database.as_uri()}?mode=ro", uri=True, timeout=20)
        try:
            row = connection.execute(query, (KEY, key, LOADED, name)).fetchone()
            named = "select alias from registered_model_aliases where name = ? and version = ? order by alias"
            aliases = connection.execute(named, (name, row[0])).fetchall() if row else []
        finally:
            connection.close()
    except sqlite3.Error:
        return None  # MLflow itself will say what is wrong with the file
    if row is None:
        return None
    number, run_id, location, recipe = row
    return Version(name, int(number), run_id or "", key, recipe or "", tuple(a for (a,) in aliases), location or "")
