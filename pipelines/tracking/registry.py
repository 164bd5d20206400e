"""What MLflow's registry says of a task's models, and who has which alias."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipelines.tracking.store import KEY, LOADED, Version

if TYPE_CHECKING:
    from mlflow import MlflowClient

CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"


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
