"""The one way from the archives of a public data set to its items.

The archives stay in a folder of their own, so that fetching again downloads nothing.
"""

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, final

from filelock import FileLock

from restereo.datasets import Item, Progress, Source
from restereo.datasets.archive import SUFFIXES, Archive, stem
from restereo.datasets.benchmark import has_benchmark_name
from restereo.datasets.download import RECORD, download, record, recorded, sha256_of
from restereo.datasets.public import PUBLIC, DataSet, RemoteFile
from restereo.errors import UserError
from restereo.options import Section

ARCHIVES = "data/archives"


class Member(NamedTuple):
    """A file in an archive, or in a folder that stands for one."""

    archive: Path
    name: str


@final
@dataclass
class PublicSource(Source):
    """A public data set whose archives lie in a folder, or are downloaded into it first.

    Attributes:
        name: What it is called.
        data_set: Its row of the table.
        folder: Where its archives are.
        include: Globs of item names.
    """

    name: str
    data_set: DataSet
    folder: Path
    include: Sequence[str] = ("*",)
    _sums: dict[str, str] = field(default_factory=dict, init=False)

    def archives(self) -> dict[str, str]:
        """Returns the sha256 of each archive of the last `fetch`; a folder unpacked by hand has none."""
        return dict(self._sums)

    def fetch(self, destination: Path, progress: Progress) -> list[Item]:
        """Returns the items, after downloading what is not there yet and unpacking what belongs to them."""
        # Two rows of one kind share the folder, and stages may run side by side.
        with self._locked():
            archives = {path: Archive(path) for path in self._present(progress)}
            members = [Member(path, name) for path, archive in archives.items() for name in archive.files]
            found = _grouped(self.data_set, members, self.include)
            if not found:
                raise UserError(
                    f"{self.folder}: nothing in its archives is laid out as {self.name} is, or 'include' lets "
                    f"nothing through; compare with {self.data_set.page}."
                )
            # Only now: a page that says 'log in' is not recorded.
            if os.access(self.folder, os.W_OK):
                record(self.folder, self._sums)
        items = [_item(self.data_set, name, parts) for name, parts in found.items()]
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
        """Returns where each archive that is needed is, its sum checked, after downloading those that can be."""
        needed = [file for file in self.data_set.files if not file.item or _matches(file.item, self.include)]
        by_hand = [file.name for file in needed if file.url is None and not self._place(file)]
        if by_hand:
            what = f"{by_hand[0]} is" if len(by_hand) == 1 else f"{', '.join(by_hand[:-1])} and {by_hand[-1]} are"
            unpacked = ", ".join(f"{stem(name)}/" for name in by_hand)
            raise UserError(
                f"{self.folder}: {what} not there; {self.data_set.login} at {self.data_set.page}, and put what you get "
                f"into {self.folder}, packed or unpacked ({unpacked})."
            )
        self._sums = {}
        return [self._verified(file, progress) for file in needed]

    def _verified(self, file: RemoteFile, progress: Progress) -> Path:
        place = self._place(file) or self.folder / file.name
        if place.is_dir():
            return place
        stated = file.sha256 if place.name == file.name else None
        known = recorded(self.folder).get(place.name)
        if place.exists():
            digest = sha256_of(place, progress)
            if digest != (stated or known or digest):
                raise UserError(
                    f"{place}: its sha256 is {digest}, but {stated} is right; delete the file, and it is downloaded "
                    "again, or get it again by hand."
                    if stated
                    else f"{place}: its sha256 is {digest}, but was {known} when the file first came; restore it, or, "
                    f"if the new one is right, delete its line in {place.with_name(RECORD)}."
                )
        else:
            assert file.url is not None
            digest = download(file.url, place, stated or known, progress)
        self._sums[place.name] = digest
        return place

    def _locked(self) -> AbstractContextManager[object]:
        """Returns the folder's lock, made with the folder where there is none; none in one that may only be read."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.folder}: {error.strerror}; name another folder with 'archives'.") from None
        return FileLock(self.folder / ".lock") if os.access(self.folder, os.W_OK) else nullcontext()

    def _place(self, file: RemoteFile) -> Path | None:
        """Returns where the archive is, if it is there: in any format that is read, or unpacked by hand."""
        name = stem(file.name)
        choices = (self.folder / choice for choice in (file.name, *(name + suffix for suffix in SUFFIXES), name))
        return next((choice for choice in choices if choice.exists()), None)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _grouped(data_set: DataSet, members: Iterable[Member], include: Sequence[str]) -> dict[str, dict[str, Member]]:
    """Returns item name -> part -> member, of the items whose names a glob of `include` matches, sorted."""
    patterns = {part: re.compile(f"(?:.*/)?{text}") for part, text in data_set.parts.items()}
    found: dict[str, dict[str, Member]] = {}
    for member in members:
        path = PurePosixPath(member.name)
        # Finder puts shadow files beside the pictures, under their names.
        if "__MACOSX" in path.parts or path.name.startswith("."):
            continue
        for part, pattern in patterns.items():
            if match := pattern.fullmatch(f"{stem(member.archive.name)}/{path}"):
                name = re.sub(r"[^A-Za-z0-9._-]+", "_", data_set.item.format(**match.groupdict()))
                parts = found.setdefault(name, {})
                if part in parts:
                    raise UserError(
                        f"{member.archive}: '{member.name}' and '{parts[part].name}' are both '{part}' of {name}; "
                        "remove one of them."
                    )
                parts[part] = member
    kept = {name: found[name] for name in sorted(found) if _matches(name, include)}
    for parts in kept.values():
        for part in ("left", "right", "photo"):
            if part in data_set.parts and part not in parts:
                archive, member_name = next(iter(parts.values()))
                raise UserError(f"{archive}: no '{part}' belongs to '{member_name}'; get the archive again, whole.")
    return kept


def _item(data_set: DataSet, name: str, parts: Mapping[str, Member]) -> Item:
    """Returns an item of the data set, in a group of its own."""
    kind: Literal["pair", "photo"] = "photo" if "photo" in parts else "pair"
    first = parts["photo" if kind == "photo" else "left"]
    files = {}
    for part in data_set.parts:
        if part in parts:
            suffix = PurePosixPath(parts[part].name).suffix.lower()
            files[part] = f"{name}{suffix}" if part == "photo" else f"{name}/{part}{suffix}"
    return Item(
        name=name,
        kind=kind,
        group=name,
        files=files,
        licence=data_set.licence,
        origin=f"{data_set.page} ({stem(first.archive.name)}: {first.name})",
        disparity_scale=data_set.disparity_scale if any(p.startswith("disparity") for p in parts) else None,
        split="test" if kind == "pair" and has_benchmark_name(name) else None,
    )


class Options(Section):
    """What a row of `sources:` may say.

    Attributes:
        archives: Folder of the archives, `$NAME` taken from the environment; by default `data/archives/` and the name.
        include: Globs of item names, such as `kitti2015_train_*`.
    """

    archives: str | None = None
    include: tuple[str, ...] = ("*",)


def build(name: str, options: Options) -> PublicSource:
    """Returns the source of a data set in the table, by its key.

    Raises:
        UserError: The environment has no such variable.

    Example:
        >>> type(build("div2k", Options())).__name__
        'PublicSource'
    """
    place = os.path.expandvars(options.archives or f"{ARCHIVES}/{name}")
    if "$" in place:
        raise UserError(f"params.yaml: 'archives' of {name}: {place}: no such variable; export it.")
    return PublicSource(name, PUBLIC[name], Path(place).expanduser(), options.include)
