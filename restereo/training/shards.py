"""Scenes in few large files: safetensors shards that can be read window by window, and an `index.json`."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open
from safetensors.numpy import save_file

from restereo.errors import UserError
from restereo.io.atomic import replacing
from restereo.methods import BY_NAME
from restereo.sample import Observation, Scene

Window = tuple[slice, slice]
WHOLE: Window = (slice(None), slice(None))


@dataclass(frozen=True)
class Record:
    """A scene on its way into a shard: the scene, its frozen observations by variant, and what the index says of it."""

    scene: Scene
    observations: dict[str, Observation]
    facts: dict[str, Any]


def _arrays(record: Record) -> dict[str, npt.NDArray[Any]]:
    scene = record.scene
    arrays: dict[str, npt.NDArray[Any]] = {f"{scene.name}/truth": scene.truth}
    if scene.disparity is not None:
        arrays[f"{scene.name}/disparity"] = scene.disparity
    if scene.occlusion is not None:
        arrays[f"{scene.name}/occlusion"] = scene.occlusion.astype(np.uint8)
    for variant, observation in record.observations.items():
        arrays[f"{scene.name}/observed/{variant}"] = observation.picture
        if observation.mask is not None:
            arrays[f"{scene.name}/mask/{variant}"] = observation.mask.astype(np.uint8)
    return {key: np.ascontiguousarray(array) for key, array in arrays.items()}


def _batches(records: Iterable[Record], limit: int) -> Iterator[list[Record]]:
    batch: list[Record] = []
    size = 0
    for record in records:
        weight = sum(array.nbytes for array in _arrays(record).values())
        if batch and size + weight > limit:
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += weight
    if batch:
        yield batch


def finished(folder: Path, split: str) -> list[dict[str, Any]]:
    """Returns the rows of the shards of a split that lie in a folder: `write_split` goes on after them.

    Example:
        >>> finished(Path("no/such/folder"), "train")
        []
    """
    shards = (folder / _shard(split, number) for number in itertools.count())
    rows: list[dict[str, Any]] = []
    for shard in itertools.takewhile(Path.exists, shards):
        with safe_open(shard, framework="numpy") as handle:
            rows += json.loads(handle.metadata()["rows"])
    return rows


def write_split(folder: Path, split: str, records: Iterable[Record], limit: int) -> list[dict[str, Any]]:
    """Writes `<split>-000.safetensors` … into the folder and returns the rows of the index.

    A kill leaves whole shards, each with its rows in it. Where `finished` found some, the records are those that
    follow them, and the bytes of all shards are those of one go.

    Args:
        folder: An existing folder.
        split: `train`, `validation` or `test`.
        records: The scenes that no shard holds yet; only one shard is held in memory.
        limit: Bytes after which the next shard begins.
    """
    for left in folder.glob(f".{split}-*.tmp"):  # by a process that was killed; the folder holds nothing but shards
        left.unlink()
    rows = finished(folder, split)
    first = len({row["shard"] for row in rows})
    for number, batch in enumerate(_batches(records, limit), first):
        shard = _shard(split, number)
        mine = [_row(record, shard) for record in batch]
        arrays = {key: array for record in batch for key, array in _arrays(record).items()}
        with replacing(folder / shard) as temporary:
            save_file(arrays, temporary, {"rows": json.dumps(mine, sort_keys=True)})
        rows += mine
    return rows


def _shard(split: str, number: int) -> str:
    return f"{split}-{number:03d}.safetensors"


def _row(record: Record, shard: str) -> dict[str, Any]:
    variants = {
        name: {"method": str(o.method), "jpeg_quality": o.jpeg_quality} for name, o in record.observations.items()
    }
    size = list(record.scene.truth.shape[:2])
    return {"name": record.scene.name, "shard": shard, "size": size, "variants": variants, **record.facts}


def _open(shard: Path) -> tuple[Any, frozenset[str]]:
    """One open handle for each shard and process, as long as the file stays as it is."""
    return _opened(shard.absolute(), shard.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _opened(shard: Path, _written: int) -> tuple[Any, frozenset[str]]:
    """The reader maps the file, it does not load it."""
    handle = safe_open(shard, framework="numpy")
    return handle, frozenset(handle.keys())


class Shards:
    """The scenes of one task, read from the folder that stage `synthesize` wrote."""

    def __init__(self, folder: Path) -> None:
        """Reads the index.

        Raises:
            UserError: The folder has no index, or the index is not JSON.
        """
        self.folder = folder
        file = folder / "index.json"
        try:
            self.index: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"{file}: no such file; give the folder that stage 'synthesize' writes.") from None
        except json.JSONDecodeError as error:
            raise UserError(f"{file}: not JSON ({error}); run stage 'synthesize' again.") from None

    def rows(self, split: str) -> list[dict[str, Any]]:
        """Returns the index rows of a split.

        Raises:
            UserError: The split is empty.
        """
        rows: list[dict[str, Any]] = self.index["splits"].get(split, [])
        if not rows:
            raise UserError(f"{self.folder}: no scene in split '{split}'; give 'synthesize' more pictures or scenes.")
        return rows

    def scene(self, row: dict[str, Any], window: Window = WHOLE) -> Scene:
        """Returns a window of one scene without reading the rest of it."""
        handle, keys = _open(self.folder / row["shard"])
        name = row["name"]
        truth = handle.get_slice(f"{name}/truth")[window[0], window[1], :]
        maps: dict[str, npt.NDArray[Any] | None] = {"disparity": None, "occlusion": None}
        for key in maps:
            if f"{name}/{key}" in keys:
                maps[key] = handle.get_slice(f"{name}/{key}")[:, window[0], window[1]]
        occlusion = maps["occlusion"]
        return Scene(name, truth, maps["disparity"], None if occlusion is None else occlusion.astype(np.bool_))

    def observation(self, row: dict[str, Any], variant: str) -> Observation:
        """Returns the frozen observation of one scene."""
        handle, keys = _open(self.folder / row["shard"])
        mask = f"{row['name']}/mask/{variant}"
        facts = row["variants"][variant]
        return Observation(
            handle.get_tensor(f"{row['name']}/observed/{variant}"),
            BY_NAME.get(facts["method"], facts["method"]),
            facts["jpeg_quality"],
            mask=handle.get_tensor(mask).astype(np.bool_) if mask in keys else None,
        )
