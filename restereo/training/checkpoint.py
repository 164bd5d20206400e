"""The checkpoint of a training that goes on: written whole or not at all, removed on success."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from restereo.io.atomic import replacing


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
        # A stream of ours: given a path, torch's error of a full disk says nothing of it.
        with replacing(self.file, durable=True) as temporary, temporary.open("wb") as stream:
            torch.save({**state, "key": self.key}, stream)

    def load(self, notify: Callable[[str], object]) -> dict[str, Any] | None:
        """Returns the state that `save` wrote last under this key, or None. It runs no code of the file's.

        Args:
            notify: Called with a message if there is a checkpoint that is not taken up.
        """
        if not self.file.exists():
            return None
        state = _read(self.file)
        if state is None:
            notify(f"{self.file}: damaged; the training starts anew.")
            return None
        if state.pop("key", None) != self.key:
            notify(f"{self.file}: of other parameters, data, code or packages; the training starts anew.")
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
