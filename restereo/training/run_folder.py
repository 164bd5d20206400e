"""The run folder: everything a training leaves behind, in plain files whose bytes depend on its inputs alone."""

import csv
import hashlib
import importlib.metadata
import json
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from restereo.digests import file_sha256
from restereo.errors import UserError
from restereo.io.atomic import replacing
from restereo.io.pickles import check_not_pickle
from restereo.layers.projection import Calibration

WEIGHTS = "weights.safetensors"
RUN_FOLDER = "give the folder that a training wrote"
HISTORY_COLUMNS = ("step", "split", "loss", "learning_rate", "headline")


@dataclass(frozen=True)
class Run:
    """What a run folder holds."""

    config: dict[str, Any]
    calibration: Calibration
    weights: dict[str, Tensor]
    sha256: str


def environment(device: str, threads: int) -> dict[str, Any]:
    """Returns what the bytes of the weights depend on beside the configuration."""
    packages = ("albumentations", "lightning", "numpy", "opencv-python-headless", "torch")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "device": device,
        "threads": threads,
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def write(
    folder: Path,
    config: dict[str, Any],
    environment: dict[str, Any],
    history: list[dict[str, Any]],
    metrics: dict[str, Any],
    calibration: Calibration,
    weights: dict[str, Tensor],
) -> None:
    """Writes the folder whole or not at all; one that is there is replaced."""
    contents = {
        "config": config,
        "environment": environment,
        "metrics": metrics,
        "calibration": calibration.to_json(),
    }
    with replacing(folder) as temporary:
        temporary.mkdir(parents=True)
        for name, content in contents.items():
            text = json.dumps(content, indent=2, sort_keys=True)
            (temporary / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
        with (temporary / "history.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, HISTORY_COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(history)
        save_file(_plain(weights), temporary / WEIGHTS)
        shutil.rmtree(folder, ignore_errors=True)


def write_weights(file: Path, weights: dict[str, Tensor]) -> None:
    """Writes a safetensors file whole or not at all."""
    with replacing(file) as temporary:
        save_file(_plain(weights), temporary)


def _plain(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.contiguous() for name, tensor in sorted(weights.items())}


def weights_sha256(weights: dict[str, Tensor]) -> str:
    """Returns the SHA-256, in hexadecimal, of the safetensors file that `write` makes of these tensors.

    Example:
        >>> import torch
        >>> weights_sha256({"a": torch.zeros(2)}) == weights_sha256({"a": torch.zeros(2)})
        True
    """
    return hashlib.sha256(save({name: tensor.cpu() for name, tensor in _plain(weights).items()})).hexdigest()


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError("no such file", where=file, remedy=RUN_FOLDER) from None
    except json.JSONDecodeError as error:
        raise UserError(f"not JSON ({error})", where=file, remedy="train the recipe again") from None


def read_weights(file: Path) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file.

    Raises:
        UserError: The file is missing, is a pickle, or is damaged.
    """
    try:
        check_not_pickle(file)
        weights: dict[str, Tensor] = load_file(file)
    except FileNotFoundError:
        raise UserError("no such file", where=file, remedy=RUN_FOLDER) from None
    except SafetensorError as error:
        reason = f"not a readable safetensors file ({error})"
        raise UserError(reason, where=file, remedy="train or copy it again") from None
    return weights


def read_pinned(file: Path, sha256: str) -> dict[str, Tensor]:
    """Returns the tensors of a safetensors file that must have this SHA-256.

    Raises:
        UserError: The file is missing or damaged, or is another one.
    """
    weights = read_weights(file)
    found, remedy = file_sha256(file), "restore that file or pin this one"
    if found != sha256:
        raise UserError(f"sha256 {found}, but {sha256} is pinned", where=file, remedy=remedy)
    return weights


def read(folder: Path) -> Run:
    """Returns what a run folder holds.

    Raises:
        UserError: A file of it is missing or damaged, or the weights are a pickle.
    """
    config = _json(folder / "config.json")
    calibration = Calibration.from_json(_json(folder / "calibration.json"))
    weights = read_weights(folder / WEIGHTS)
    return Run(config, calibration, weights, file_sha256(folder / WEIGHTS))


def read_released(folder: Path, name: str) -> Run:
    """Returns the run of released weights: `<name>.safetensors` and its card `<name>.json`.

    Raises:
        UserError: One of the two is missing or damaged.
    """
    card = _json(folder / f"{name}.json")
    file = folder / f"{name}.safetensors"
    return Run(card["config"], Calibration.from_json(card["calibration"]), read_weights(file), file_sha256(file))
