"""One file per data set: where its pictures are, what licence they have, which of them belong together."""

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol


class Progress(Protocol):
    """Told how far a source is: of its pictures, or, where `what` names a file, of that file's bytes."""

    def __call__(self, done: int, total: int | None, what: str = "", /) -> None:
        """Is called with what is done. `total` is None where a server does not say how much there is."""


@dataclass(frozen=True)
class Item:
    """One photo or one stereo pair, as a row of a source's `index.json`.

    Attributes:
        name: Unique in its source; letters, digits, `_`, `.`, `-`.
        kind: "pair" has the files "left" and "right", and "disparity_left", "disparity_right" where known;
            "photo" has the file "photo".
        group: Items of one group show the same scene and never fall into different splits.
        files: What each file is -> its path below the source's folder, with `/`.
        licence: Terms of use, empty if nobody has said.
        origin: Where it comes from: an address, or a path below the folder it was copied from.
        disparity_scale: Number that the values of the disparity maps are divided by to be px; None if the
            map's format says it (PFM, NPY, 16-bit PNG) or nobody knows (8-bit maps: it is inferred).
        split: Where the source says its group belongs; None leaves it to the group's name and the shares.
    """

    name: str
    kind: Literal["pair", "photo"]
    group: str
    files: dict[str, str]
    licence: str
    origin: str
    disparity_scale: float | None = None
    split: Literal["train", "validation", "test"] | None = None

    def as_row(self) -> dict[str, Any]:
        """Returns what `index.json` holds.

        Example:
            >>> Item("a", "photo", "a", {"photo": "a.png"}, "CC0", "mine").as_row()["disparity_scale"] is None
            True
        """
        return asdict(self)


class Source(ABC):
    """A data set. `build(options)` of each file in this folder returns one."""

    @abstractmethod
    def fetch(self, destination: Path, progress: Progress) -> list[Item]:
        """Returns the items, sorted by name, after writing their files into the empty folder `destination`.

        Raises:
            restereo.errors.UserError: Something is missing, damaged, or not what the options say.
        """

    def archives(self) -> dict[str, str]:
        """Returns the sha256 of each archive that the last `fetch` unpacked, by file name; none by default."""
        return {}

    def watched(self) -> Path | None:
        """Returns the folder whose pictures may be others tomorrow; None by default: published sets stay the same."""
        return None


def no_progress(done: int, total: int | None, what: str = "", /) -> None:
    """Does nothing: the `Progress` of a caller that shows none.

    Example:
        >>> no_progress(1, 2)
    """
