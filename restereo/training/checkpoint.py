"""The checkpoint of a training that goes on: written whole or not at all, removed on success."""

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from restereo.source_code import code_sha256


def key_of(facts: Any, *modules: str) -> str:
    """Returns the SHA-256, in hexadecimal, over facts and code: work under another key is not taken up.

    Args:
        facts: All that the work depends on beside the code; anything that JSON can hold.
        modules: Those that do the work; what they import counts as well, see `code_sha256`.

    Example:
        >>> key_of({"seed": 0, "steps": 3}) == key_of({"steps": 3, "seed": 0}) != key_of({})
        True
    """
    told = json.dumps(facts, sort_keys=True) + code_sha256(*modules)
    return hashlib.sha256(told.encode()).hexdigest()


class Live:
    """The folder of one training's checkpoint."""

    def __init__(self, folder: Path, key: str) -> None:
        """Names the folder and what is trained there.

        Args:
            folder: Need not exist.
            key: Digest of all that the training depends on; the checkpoint of another key is not taken up.
        """
        self.folder = folder
        self.file = folder / "checkpoint.pt"
        self.key = key

    def save(self, state: dict[str, Any]) -> None:
        """Writes the state so that a kill at any moment, or a full disk, leaves the old checkpoint or the new one."""
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".tmp")
        try:
            with temporary.open("wb") as stream:
                torch.save({**state, "key": self.key}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(self.file)
        finally:
            temporary.unlink(missing_ok=True)

    def load(self, tell: Callable[[str], object]) -> dict[str, Any] | None:
        """Returns the state that `save` wrote last under this key, or None. It runs no code of the file's.

        Args:
            tell: Receives a sentence if there is a checkpoint that is not taken up.
        """
        if not self.file.exists():
            return None
        state = _read(self.file)
        if state is None:
            tell(f"{self.file}: damaged; the training starts anew.")
            return None
        if state.pop("key", None) != self.key:
            tell(f"{self.file}: of other parameters, data, code or packages; the training starts anew.")
            return None
        return state

    def remove(self) -> None:
        """Removes the folder, if it is there."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _read(file: Path) -> dict[str, Any] | None:
    """Returns what was saved, or None if a byte is not the one that was written; `torch.load` looks at no checksum."""
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.testzip() is not None:
                return None
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    except Exception:  # what zipfile and torch raise depends on which byte is damaged
        return None
    return state
