"""What a public data set is, as data: its archives, its terms, and which members of the archives make up which item."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from restereo.datasets import Item
from restereo.datasets._archive import Limits
from restereo.datasets._benchmark import has_benchmark_name
from restereo.datasets._formats import stem
from restereo.errors import UserError


@dataclass(frozen=True)
class RemoteFile:
    """An archive.

    Attributes:
        name: Its file name in the folder of archives; a name without suffix is a folder.
        url: Where it is downloaded from, None = a person has to get it.
        sha256: What it must be, None = nobody has verified it yet: the first file that comes is recorded.
    """

    name: str
    url: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class DataSet:
    """A data set.

    Attributes:
        name: The name of its file in this folder.
        page: Its home page, where people ask for it.
        files: Its archives.
        licence: Terms of use.
        item: What an item is called, of the named groups in `parts`; the data set's name stands in it, so that the
            benchmark's scenes are known whatever the row in `params.yaml` is called.
        parts: "left" and "right" [and "disparity_left", "disparity_right"], or "photo" -> regular expression that
            matches the end of a member's path, the archive's own name in front (`Train/0001_L.png` in `Train.zip`
            or in the folder `Train`).
        login: What a person has to do on `page`, a clause; empty where the files are downloaded.
        disparity_scale: See `Item`.
        limits: Where a bomb begins.
    """

    name: str
    page: str
    files: Sequence[RemoteFile]
    licence: str
    item: str
    parts: Mapping[str, str]
    login: str = ""
    disparity_scale: float | None = None
    limits: Limits = field(default_factory=Limits)


class Member(NamedTuple):
    """A file in an archive, or in a folder that stands for one."""

    archive: Path
    name: str


def grouped(
    data_set: DataSet, members: Iterable[Member], include: Sequence[str] = ("*",)
) -> dict[str, dict[str, Member]]:
    r"""Returns item name -> part -> member, of the items whose names a glob of `include` matches, sorted.

    Raises:
        UserError: Two members are the same part of an item, or an item lacks a view.

    Example:
        >>> photos = DataSet("holiday", "", [], "mine", "holiday_{n}", {"photo": r"pictures/(?P<n>[^/]+)\.jpg"})
        >>> list(grouped(photos, [Member(Path("a.zip"), "pictures/sea.jpg"), Member(Path("a.zip"), "notes.txt")]))
        ['holiday_sea']
    """
    patterns = {part: re.compile(f"(?:.*/)?{text}") for part, text in data_set.parts.items()}
    found: dict[str, dict[str, Member]] = {}
    for member in members:
        path = PurePosixPath(member.name)
        # Finder puts shadow files beside the pictures, under their names.
        if "__MACOSX" in path.parts or path.name.startswith("."):
            continue
        for part, pattern in patterns.items():
            if match := pattern.fullmatch(f"{stem(member.archive)}/{path}"):
                name = re.sub(r"[^A-Za-z0-9._-]+", "_", data_set.item.format(**match.groupdict()))
                parts = found.setdefault(name, {})
                if part in parts:
                    raise UserError(
                        f"{member.archive}: '{member.name}' and '{parts[part].name}' are both '{part}' of {name}; "
                        "remove one of them."
                    )
                parts[part] = member
    kept = {name: found[name] for name in sorted(found) if any(fnmatchcase(name, glob) for glob in include)}
    for parts in kept.values():
        for part in ("left", "right", "photo"):
            if part in data_set.parts and part not in parts:
                archive, member_name = next(iter(parts.values()))
                raise UserError(f"{archive}: no '{part}' belongs to '{member_name}'; get the archive again, whole.")
    return kept


def item(data_set: DataSet, name: str, parts: Mapping[str, Member]) -> Item:
    """Returns an item of the data set, in a group of its own, as `grouped` found it.

    Example:
        >>> photos = DataSet("holiday", "https://a.b", [], "mine", "holiday_{n}", {"photo": ""})
        >>> item(photos, "holiday_sea", {"photo": Member(Path("a.zip"), "sea.JPG")}).files
        {'photo': 'holiday_sea.jpg'}
    """
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
        origin=f"{data_set.page} ({stem(first.archive)}: {first.name})",
        disparity_scale=data_set.disparity_scale if any(p.startswith("disparity") for p in parts) else None,
        split="test" if kind == "pair" and has_benchmark_name(name) else None,
    )
