"""What each open page has uploaded and been given, so that all of it can be deleted when the page is closed."""

import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restereo.image import Image
from restereo.inference.engine import Views


@dataclass(frozen=True)
class Recovered:
    """The last picture of a page.

    Attributes:
        name: Stem of the uploaded file's name.
        image: What was uploaded.
        views: What was recovered.
        folder: Where results lie.
        description: What the picture was taken for, in words.
        notes: What a person may want to know.
    """

    name: str
    image: Image
    views: Views
    folder: Path
    description: str = ""
    notes: Sequence[str] = ()


class Sessions:
    """The open pages, by the hash that each of them sends along."""

    def __init__(self, folder: Path) -> None:
        """Starts with none; everything lies below `folder`."""
        self.folder = folder
        self._uploads: dict[str, set[Path]] = {}
        self._recovered: dict[str, Recovered] = {}
        self._lock = threading.Lock()

    def uploaded(self, session: str, file: Path) -> None:
        """Remembers that a page has sent this file."""
        with self._lock:
            self._uploads.setdefault(session, set()).add(file)

    def room(self, session: str, tab: str = "recover") -> Path:
        """Returns an empty folder for the results of a tab of a page; what lay there is deleted."""
        room = self.folder / "results" / session / tab
        shutil.rmtree(room, ignore_errors=True)
        room.mkdir(parents=True)
        return room

    def keep(self, session: str, recovered: Recovered) -> None:
        """Remembers a page's last picture."""
        with self._lock:
            self._recovered[session] = recovered

    def last(self, session: str) -> Recovered | None:
        """Returns a page's last picture, or None."""
        with self._lock:
            return self._recovered.get(session)

    def forget(self, session: str) -> None:
        """Deletes all that there is of a page, on the disk and in memory."""
        with self._lock:
            self._recovered.pop(session, None)
            uploads = self._uploads.pop(session, set())
            still_used = set().union(*self._uploads.values()) if self._uploads else set()
        shutil.rmtree(self.folder / "results" / session, ignore_errors=True)
        for file in uploads - still_used:  # gradio stores equal files of two pages once
            shutil.rmtree(file.parent, ignore_errors=True) if self.folder in file.parents else None
