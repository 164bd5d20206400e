"""A registered run becomes weights that the package carries: half the bytes, with a card that says what they are."""

import json
from pathlib import Path
from typing import Any

from pipelines import paths, results
from pipelines.tracking import runs
from pipelines.tracking.client import connect, find_by_content_key, tags
from restereo.digests import file_sha256
from restereo.errors import UserError

MOST_PARAMETERS = 4_000_000
QUALITY = 85
"""Of the JPEG files that the card's second row of figures is measured on."""
KEPT = ("git_rev", "git_dirty", "data_sha256", "params_sha256", "weights_sha256", "content_key", "licence_strictest")
"""Tags of the registered version that the card repeats; `weights_sha256` is that of the trained float32 file."""


def release(recipe: str, pairs: Path | None = None) -> Path:
    """Returns the file of the released weights, written beside its card in `restereo/weights`.

    The weights are stored as float16. The card holds what is needed to predict (configuration, calibration), the
    lineage of the registered version, the figures on the folder `pairs`, computed from the stored file, and what it
    was trained on.

    Raises:
        UserError: The run is not registered, or too large.
    """
    from restereo.inference.lookup import WEIGHTS
    from restereo.training import run_folder

    lineage = registered(recipe)
    run = run_folder.read(paths.run(recipe))
    count = sum(tensor.numel() for tensor in run.weights.values())
    if count > MOST_PARAMETERS:
        raise UserError(f"{paths.run(recipe)}: {count:,} parameters, at most {MOST_PARAMETERS:,} are released.")
    training = (results.read_json(paths.cost(recipe)) or {}).get("train", {})
    file = WEIGHTS / f"{recipe}.safetensors"
    WEIGHTS.mkdir(exist_ok=True)
    run_folder.write_weights(file, {name: tensor.half() for name, tensor in run.weights.items()})
    card = {
        "recipe": recipe,
        "config": named_start(run.config),
        "calibration": run.calibration.to_json(),
        "lineage": lineage,
        "licences": run.config["licences"],
        "parameters": count,
        "environment": results.read_json(paths.run(recipe) / "environment.json"),
        "training": {**training.get("in_all", {}), "device": training.get("device")},
        "sha256": file_sha256(file),
    }
    write_card(file, card)
    if pairs:
        write_card(file, {**card, "figures": figures(recipe, pairs)})
    return file


def registered(recipe: str) -> dict[str, str]:
    """Returns the lineage of the version that a recipe's run folder was registered as.

    Raises:
        UserError: There is none, or the server of the registry does not answer.
    """
    task = runs.task_of(recipe)
    key = runs.content_key_of(task, recipe)
    client = connect()
    version = find_by_content_key(client, task, key)
    if version is None:
        raise UserError(
            f"{paths.run(recipe)}: not registered; run `dvc --wait-for-lock repro register@{recipe}` first."
        )
    found = tags(client, version)
    return {name: found.get(name, "unknown") for name in KEPT}


def named_start(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a run's configuration with the weights it started from by name alone: where they lay is a machine's fact.

    Their SHA-256 is what finds them again.

    Example:
        >>> named_start({"train": {"start": {"file": "elsewhere/first.safetensors", "sha256": "1f"}}})
        {'train': {'start': {'file': 'first.safetensors', 'sha256': '1f'}}}
    """
    found = {}
    for key, value in config.items():
        if key == "start" and value:
            found[key] = {**value, "file": Path(value["file"]).name}
        else:
            found[key] = named_start(value) if isinstance(value, dict) else value
    return found


def figures(recipe: str, pairs: Path) -> dict[str, Any]:
    """Returns the protocol's figures of released weights on a folder of pairs (or photos), each variant of the task."""
    from restereo.evaluation.protocol import evaluate_folder
    from restereo.evaluation.reader import files_for
    from restereo.inference.lookup import find_predictor

    found = find_predictor(recipe)
    task = found.task
    files = files_for(task, pairs)
    variants = task.variants(QUALITY)
    return {name: evaluate_folder(found.predictor, task, files, quality) for name, quality in variants.items()}


def write_card(weights: Path, card: dict[str, Any]) -> None:
    """Writes the card beside the weights; the same content gives the same bytes."""
    text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False)
    weights.with_suffix(".json").write_text(f"{text}\n", encoding="utf-8")
