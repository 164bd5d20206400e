"""Any folder of yours, searched to the bottom and never changed: stereo pairs and photos.

What becomes a pair: a folder with `left.*` and `right.*` [`disp_left.*`, `disp_right.*`] (other pictures in
it are left alone: they are masks and the like); `X_L.*` beside `X_R.*` (also `_left`/`_right`, `-l`/`-r`); one
file with both views side by side, `*_sbs.*` or `*.sbs.*` (left view first), `*.jps` (right view first, as that
format says); `*.mpo`. Every other picture is a photo.
"""

import hashlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Annotated, final

import numpy as np
from PIL import Image
from pydantic import Field

from restereo.datasets import Item, Progress, Source
from restereo.datasets.pairs import PairFiles, scene_in
from restereo.errors import UserError
from restereo.image import Picture
from restereo.io.read import SUFFIXES, read_picture
from restereo.options import Section

EYES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_EYE_SUFFIX = re.compile(r"^(?P<scene>.+)[_-](?P<eye>l|r|left|right)$", re.IGNORECASE)
_SIDE_BY_SIDE = re.compile(r"[_.]sbs$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A picture or pair in the folder: the path that globs are matched against, and its files."""

    place: str
    pair: PairFiles | None = None
    joined: Path | None = None
    photo: Path | None = None


@final
class Folder(Source):
    """Pairs and photos below one folder."""

    def __init__(
        self,
        root: Path,
        licences: Mapping[str, str],
        groups: Sequence[Sequence[str]],
        disparity_scales: Mapping[str, float],
        include: Sequence[str],
        exclude: Sequence[str],
    ) -> None:
        self._root = root
        self._licences = licences
        self._groups = groups
        self._scales = disparity_scales
        self._include = include
        self._exclude = exclude

    def fetch(self, destination: Path, progress: Progress) -> list[Item]:
        """Returns the items. Original bytes; only files that hold both views are split, into PNG."""
        found = [f for f in scan(self._root) if self._wanted(f.place)]
        if not found:
            raise UserError(f"{self._root}: no pictures in it that 'include' and 'exclude' let through; check both.")
        items = []
        for done, (name, one) in enumerate(sorted(zip(_names(found), found, strict=True)), start=1):
            items.append(self._item(name, one, _store(name, one, destination)))
            progress(done, len(found))
        return items

    def watched(self) -> Path | None:
        """Returns the folder."""
        return self._root

    def _wanted(self, place: str) -> bool:
        return _matches(place, self._include) and not _matches(place, self._exclude)

    def _item(self, name: str, found: Found, files: dict[str, str]) -> Item:
        place = found.place
        groups = [globs[0] for globs in self._groups if _matches(place, globs)]
        return Item(
            name=name,
            kind="photo" if found.photo else "pair",
            group=groups[0] if groups else _group(found),
            files=files,
            licence=next((text for glob, text in self._licences.items() if fnmatchcase(place, glob)), ""),
            origin=place,
            disparity_scale=next((x for glob, x in self._scales.items() if fnmatchcase(place, glob)), None),
        )


def scan(root: Path) -> list[Found]:
    """Returns what is in the folder, sorted by place.

    Hidden files and folders, and links that lead nowhere, are left out.

    Raises:
        UserError: There is no such folder.

    Example:
        >>> scan(Path("nowhere"))
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere: no such folder; check 'path' of the source 'folder'.
    """
    if not root.is_dir():
        raise UserError(f"{root}: no such folder; check 'path' of the source 'folder'.")
    found: list[Found] = []
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        here = Path(folder)
        place = here.relative_to(root).as_posix()
        scene = scene_in(here, "")
        if scene:
            found.append(Found(root.resolve().name if place == "." else place, pair=scene))
        else:
            shown = [here / name for name in sorted(files) if not name.startswith(".")]
            found += _files(root, [file for file in shown if file.is_file()])
    return sorted(found, key=lambda one: one.place)


def _files(root: Path, files: list[Path]) -> list[Found]:
    found = []
    halves: dict[tuple[Path, str], dict[str, Path]] = {}
    for file in files:
        suffix = file.suffix.lower()
        eye = _EYE_SUFFIX.match(file.stem)
        if suffix in {".mpo", ".jps"} or (suffix in SUFFIXES and _SIDE_BY_SIDE.search(file.stem)):
            found.append(Found(file.relative_to(root).as_posix(), joined=file))
        elif suffix in SUFFIXES and eye:
            halves.setdefault((file.parent, eye["scene"] + suffix), {})[EYES[eye["eye"].lower()]] = file
        elif suffix in SUFFIXES:
            found.append(Found(file.relative_to(root).as_posix(), photo=file))
    for (parent, scene), eyes in halves.items():
        if len(eyes) == 2:
            place = (parent / scene).relative_to(root).as_posix()
            found.append(Found(place, pair=PairFiles("", eyes["left"], eyes["right"])))
        else:
            found += [Found(file.relative_to(root).as_posix(), photo=file) for file in eyes.values()]
    return found


def _names(found: list[Found]) -> list[str]:
    """Returns a name for each: its place without the suffix; of two alike, with a hash of the place."""
    plain = [_plain(_stem(one)) for one in found]
    count = Counter(plain)
    return [n if count[n] == 1 else f"{n}-{_digest(one.place)}" for n, one in zip(plain, found, strict=True)]


def _group(found: Found) -> str:
    """Returns the group of a picture that no glob of `groups` matches: its own place decides, whatever lies beside it.

    That is its name, but the same for two names alike, and for one half of a pair as for the pair it becomes.
    """
    path = PurePosixPath(_stem(found))
    if found.photo and (eye := _EYE_SUFFIX.match(path.name)):
        path = path.with_name(eye["scene"])
    elif found.photo and path.name.lower() in EYES.values() and path.parent.name:
        path = path.parent
    place = str(path)
    return _plain(place) if place.isascii() else f"{_plain(place)}-{_digest(place)}"


def _stem(found: Found) -> str:
    is_folder = found.pair is not None and found.pair.left.stem.lower() == "left"
    return found.place if is_folder else str(PurePosixPath(found.place).with_suffix(""))


def _plain(place: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]+", "_", place).strip("_.") or "picture"


def _digest(place: str) -> str:
    return hashlib.sha256(place.encode()).hexdigest()[:8]


def _store(name: str, found: Found, destination: Path) -> dict[str, str]:
    """Returns the item's files after copying them, or splitting the one that holds both views."""
    if found.joined:
        target = {eye: f"{name}/{eye}.png" for eye in ("left", "right")}
        (destination / name).mkdir()
        for eye, view in _split(found.joined).items():
            Image.fromarray(view).save(destination / target[eye])
        return target
    if found.photo:
        parts = {"photo": found.photo}
    else:
        pair = found.pair
        assert pair is not None
        maps = {"disparity_left": pair.disparity_left, "disparity_right": pair.disparity_right}
        parts = {"left": pair.left, "right": pair.right, **{k: v for k, v in maps.items() if v}}
    target = {}
    for part, file in parts.items():
        target[part] = f"{name}{file.suffix.lower()}" if part == "photo" else f"{name}/{part}{file.suffix.lower()}"
        (destination / target[part]).parent.mkdir(exist_ok=True)
        shutil.copyfile(file, destination / target[part])
    return target


def _split(file: Path) -> dict[str, Picture]:
    """Returns both views of a side-by-side picture or of an MPO file, whose first frame is the left one."""
    picture = read_picture(file)
    if file.suffix.lower() == ".mpo":
        return {"left": picture, "right": read_picture(file, frame=1)}
    if picture.shape[1] % 2:
        raise UserError(f"{file}: {picture.shape[1]} px wide; side-by-side pictures are even: cut a column off.")
    first, second = np.split(picture, 2, axis=1)
    crossed = file.suffix.lower() == ".jps"
    return {"left": second, "right": first} if crossed else {"left": first, "right": second}


def _matches(place: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(place, glob) for glob in globs)


class Options(Section):
    """What a row of `sources:` may say.

    A glob is matched against the path below the folder (of a scene's folder, or of the file; of two halves,
    without `_L`), `*` standing for `/` too. Where several match, the first one counts.

    Attributes:
        path: The folder, relative to the project's root; `$NAME` is taken from the environment.
        licence: Terms of whatever no glob of `licences` matches.
        licences: glob -> terms.
        groups: Each a glob, or a list of globs; what it matches stays in one split.
        disparity_scales: glob -> number that the values of the disparity maps are divided by to be px.
        include: What is taken.
        exclude: What is left out of it.
    """

    path: str = Field(min_length=1)
    licence: str = ""
    licences: dict[str, str] = Field({})
    groups: tuple[str | tuple[str, ...], ...] = ()
    disparity_scales: dict[str, Annotated[float, Field(gt=0)]] = Field({})
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()


def build(options: Options) -> Folder:
    """Returns the source.

    Raises:
        UserError: The environment has no such variable.

    Example:
        >>> build(Options(path="$UNSET/train"))
        Traceback (most recent call last):
        restereo.errors.UserError: params.yaml: sources.folder.path: $UNSET/train: no such variable; export it.
    """
    place = os.path.expandvars(options.path)
    if "$" in place:
        raise UserError(f"params.yaml: sources.folder.path: {place}: no such variable; export it.")
    every = {**options.licences, "*": options.licence}
    together = [[g] if isinstance(g, str) else g for g in options.groups]
    found = options.disparity_scales, options.include, options.exclude
    return Folder(Path(place).expanduser(), every, together, *found)
