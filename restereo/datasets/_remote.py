"""The one way from a data set's archives to its items.

The archives stay in a folder of their own (`data/archives/<data set>` unless the option `archives` says otherwise), so
that fetching again downloads nothing; what comes out of `fetch` holds pictures and disparity maps only.
"""

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import final

from filelock import FileLock

from restereo.datasets import Item, Progress, Source
from restereo.datasets._archive import Archive
from restereo.datasets._checksums import RECORD, record, recorded, sha256_of
from restereo.datasets._dataset import DataSet, Member, RemoteFile, grouped, item
from restereo.datasets._formats import SUFFIXES, stem
from restereo.datasets._transfer import Patience, download
from restereo.errors import UserError

ARCHIVES = "data/archives"


@final
class Remote(Source):
    """A data set whose archives lie in a folder, or come into it first."""

    def __init__(
        self,
        data_set: DataSet,
        archives: str | None = None,
        include: Sequence[str] = ("*",),
        patience: Patience | None = None,
    ) -> None:
        self._set = data_set
        self._folder = folder_of(data_set, archives)
        self._include = include
        self._patience = patience
        self._sums: dict[str, str] = {}

    def archives(self) -> dict[str, str]:
        """Returns the sha256 of each archive of the last `fetch`; a folder unpacked by hand has none."""
        return dict(self._sums)

    def fetch(self, destination: Path, progress: Progress) -> list[Item]:
        """Returns the items, after downloading what is not there yet and unpacking what belongs to them."""
        # Two rows of one kind share the folder, and stages may run side by side.
        with self._locked():
            archives = {path: Archive(path, self._set.limits) for path in self._present(progress)}
            members = [Member(path, name) for path, archive in archives.items() for name in archive.files]
            found = grouped(self._set, members, self._include)
            if not found:
                raise UserError(
                    f"{self._folder}: nothing in its archives is laid out as {self._set.name} is, or 'include' lets "
                    f"nothing through; compare with {self._set.page}."
                )
            self._record()
        items = [item(self._set, name, parts) for name, parts in found.items()]
        targets: dict[Path, dict[str, Path]] = {path: {} for path in archives}
        for one in items:
            for part, member in found[one.name].items():
                targets[member.archive][member.name] = destination / one.files[part]
        done, total = 0, sum(len(wanted) for wanted in targets.values())

        def one_more() -> None:
            nonlocal done
            done += 1
            progress(done, total)

        for path, archive in archives.items():
            archive.unpack(targets[path], one_more)
        return items

    def _present(self, progress: Progress) -> list[Path]:
        """Returns where each archive is, its sum checked, after downloading those that can be."""
        by_hand = [f.name for f in self._set.files if f.url is None and not self._place(f)]
        if by_hand:
            raise UserError(_please(self._set, self._folder, by_hand))
        self._sums = {}
        return [self._verified(file, progress) for file in self._set.files]

    def _verified(self, file: RemoteFile, progress: Progress) -> Path:
        place = self._place(file) or self._folder / file.name
        if place.is_dir():
            return place
        stated = file.sha256 if place.name == file.name else None
        known = recorded(self._folder).get(place.name)
        if place.exists():
            digest = sha256_of(place, progress)
            if digest != (stated or known or digest):
                raise UserError(_changed(place, digest, stated, known))
        else:
            assert file.url is not None
            digest = download(file.url, place, stated or known, progress, self._patience)
        self._sums[place.name] = digest
        return place

    def _record(self) -> None:
        """Keeps the sums of what has proved to be the data set: not of a page that says 'log in'."""
        known = recorded(self._folder)
        for name, digest in self._sums.items():
            if known.get(name) != digest and os.access(self._folder, os.W_OK):
                record(self._folder, name, digest)

    def _locked(self) -> AbstractContextManager[object]:
        """Returns the folder's lock, made with the folder where there is none; none in one that may only be read."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self._folder}: {error.strerror}; name another folder with 'archives'.") from None
        return FileLock(self._folder / ".lock") if os.access(self._folder, os.W_OK) else nullcontext()

    def _place(self, file: RemoteFile) -> Path | None:
        """Returns where the archive is, if it is there: in any format that is read, or unpacked by hand."""
        name = stem(Path(file.name))
        choices = (self._folder / choice for choice in (file.name, *(name + suffix for suffix in SUFFIXES), name))
        return next((choice for choice in choices if choice.exists()), None)


def folder_of(data_set: DataSet, archives: str | None) -> Path:
    """Returns the folder of a data set's archives, `$NAME` taken from the environment.

    Raises:
        UserError: The environment has no such variable.

    Example:
        >>> folder_of(DataSet("holiday", "", [], "mine", "", {}), None).as_posix()
        'data/archives/holiday'
    """
    place = os.path.expandvars(archives or f"{ARCHIVES}/{data_set.name}")
    if "$" in place:
        raise UserError(f"params.yaml: 'archives' of {data_set.name}: {place}: no such variable; export it.")
    return Path(place).expanduser()


def _please(data_set: DataSet, folder: Path, missing: Sequence[str]) -> str:
    what = f"{missing[0]} is" if len(missing) == 1 else f"{', '.join(missing[:-1])} and {missing[-1]} are"
    unpacked = ", ".join(f"{stem(Path(name))}/" for name in missing)
    return (
        f"{folder}: {what} not there; {data_set.login} at {data_set.page}, and put what you get into {folder}, packed "
        f"or unpacked ({unpacked})."
    )


def _changed(place: Path, digest: str, stated: str | None, known: str | None) -> str:
    if stated:
        return (
            f"{place}: its sha256 is {digest}, but {stated} is right; delete the file, and it is downloaded again, or "
            "get it again by hand."
        )
    return (
        f"{place}: its sha256 is {digest}, but was {known} when the file first came; restore it, or, if the new one is "
        f"right, delete its line in {place.with_name(RECORD)}."
    )
