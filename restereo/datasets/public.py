"""Public data sets: a table of what each is, and the one way from its archives to its items.

Layouts are as public readers of the sets have them; nobody has fetched one here. The archives stay in a folder of their
own, so that fetching again downloads nothing.
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
from restereo.errors import UserError

ARCHIVES = "data/archives"


class RemoteFile(NamedTuple):
    """An archive.

    Attributes:
        name: Its file name in the folder of archives; a name without suffix is a folder.
        url: Where it is downloaded from, None = a person has to get it.
        sha256: What it must be, None = nobody has verified it yet: the first file that comes is recorded.
        item: The one item that it holds, empty = several.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    item: str = ""


@dataclass(frozen=True)
class DataSet:
    """A row of the table.

    Attributes:
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
    """

    page: str
    files: Sequence[RemoteFile]
    licence: str
    item: str
    parts: Mapping[str, str]
    login: str = ""
    disparity_scale: float | None = None


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_MIDDLEBURY = "https://vision.middlebury.edu/stereo/data/scenes2014"
_MIDDLEBURY_SCENES = (
    *("Adirondack", "Backpack", "Bicycle1", "Cable", "Classroom1", "Couch", "Flowers", "Jadeplant", "Mask"),
    *("Motorcycle", "Piano", "Pipes", "Playroom", "Playtable", "Recycle", "Shelves", "Shopvac", "Sticks"),
    *("Storage", "Sword1", "Sword2", "Umbrella", "Vintage"),
)

PUBLIC: dict[str, DataSet] = {
    # 800 + 100 photos of about 2040x1400 px (Agustsson and Timofte, NTIRE 2017). Addresses and checksums are those of
    # TensorFlow Datasets (`url_checksums/div2k.txt`; 3,530,603,713 and 448,993,893 bytes).
    "div2k": DataSet(
        page=f"{_DIV2K}/",
        files=[
            RemoteFile(
                "DIV2K_train_HR.zip",
                f"{_DIV2K}/DIV2K_train_HR.zip",
                "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            ),
            RemoteFile(
                "DIV2K_valid_HR.zip",
                f"{_DIV2K}/DIV2K_valid_HR.zip",
                "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            ),
        ],
        licence="DIV2K: academic research only",
        item="div2k_{photo}",
        parts={"photo": r"DIV2K_(?:train|valid)_HR/(?P<photo>\d{4})\.png"},
    ),
    # 800 + 112 + 112 pairs (Wang, Wang, Yang, An and Guo, ICCV Workshops 2019). The drive offers the parts as folders,
    # which come as zip files, or as RAR files, which have to be unpacked by hand.
    "flickr1024": DataSet(
        page="https://yingqianwang.github.io/Flickr1024/",
        files=[RemoteFile("Train.zip"), RemoteFile("Validation.zip"), RemoteFile("Test.zip")],
        licence="Flickr1024: non-commercial use only, no redistribution",
        item="flickr1024_{split}_{scene}",
        parts={
            "left": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_L\.png",
            "right": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_R\.png",
        },
        login="follow the link to Google Drive or Baidu",
    ),
    # 31,783 photos of at most 500 px (Young, Lai, Hodosh and Hockenmaier 2014).
    "flickr30k": DataSet(
        page="https://shannon.cs.illinois.edu/DenotationGraph/",
        files=[RemoteFile("flickr30k-images.tar.gz")],
        licence="Flickr30k: non-commercial research and education",
        item="flickr30k_{photo}",
        parts={"photo": r"flickr30k[-_]images/(?P<photo>[^/]+)\.jpg"},
        login="fill in the form that asks for the images",
    ),
    # 8,091 photos of at most 500 px (Hodosh, Young and Hockenmaier 2013). The university's form is closed to many; the
    # address is the copy that most courses use (1.1 GB; an R package checks md5 f18a1e2920de5bd84dae7cf08ec78978). Its
    # folder is spelt `Flicker8k_Dataset`.
    "flickr8k": DataSet(
        page="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
        files=[
            RemoteFile(
                "Flickr8k_Dataset.zip",
                "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/Flickr8k_Dataset.zip",
            )
        ],
        licence="Flickr8k: non-commercial research and education",
        item="flickr8k_{photo}",
        parts={"photo": r"Flick[e]?r8k_Dataset/(?P<photo>[^/]+)\.jpg"},
    ),
    # 49,368 pairs of 1280x720 px, from phones (Hua and others, CVPR Workshops 2020). The script copies a folder from a
    # bucket with gsutil; one part alone (`download_holopix50k.sh FOLDER val`) will do. What follows the id in a file's
    # name was not to be seen; both spellings are read.
    "holopix50k": DataSet(
        page="https://github.com/leiainc/holopix50k",
        files=[RemoteFile("Holopix50k")],
        licence="Holopix50k: non-commercial, data courtesy of Leia Inc. pursuant to the Holopix50k Dataset License",
        item="holopix50k_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|val|test)/left/(?P<scene>[^/]+?)(?:_left)?\.(?:jpe?g|png)",
            "right": r"(?P<split>train|val|test)/right/(?P<scene>[^/]+?)(?:_right)?\.(?:jpe?g|png)",
        },
        login="run scripts/download_holopix50k.sh",
    ),
    # 194 pairs with disparity from a laser scanner, 195 without (Geiger, Lenz and Urtasun; 2.1 GB). `disp_occ` is the
    # left eye's disparity in px times 256, 0 = unknown, occluded pixels included. Of each scene only time `_10` is
    # taken: `_11` is the same street a tenth of a second later.
    "kitti2012": DataSet(
        page="https://www.cvlibs.net/datasets/kitti/eval_stereo_flow.php?benchmark=stereo",
        files=[RemoteFile("data_stereo_flow.zip")],
        licence="CC BY-NC-SA 3.0",
        item="kitti2012_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|test)ing/colored_0/(?P<scene>\d{6}_10)\.png",
            "right": r"(?P<split>train|test)ing/colored_1/(?P<scene>\d{6}_10)\.png",
            "disparity_left": r"(?P<split>train)ing/disp_occ/(?P<scene>\d{6}_10)\.png",
        },
        login="log in and ask for the stereo 2012 data set",
        disparity_scale=256.0,
    ),
    # 200 pairs with disparity, 200 without (Menze and Geiger, CVPR 2015; 1,681,488,619 bytes). `disp_occ_1` is no right
    # eye's map but that of time `_11` seen from `_10`: it is left alone.
    "kitti2015": DataSet(
        page="https://www.cvlibs.net/datasets/kitti/eval_scene_flow.php?benchmark=stereo",
        files=[RemoteFile("data_scene_flow.zip")],
        licence="CC BY-NC-SA 3.0",
        item="kitti2015_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|test)ing/image_2/(?P<scene>\d{6}_10)\.png",
            "right": r"(?P<split>train|test)ing/image_3/(?P<scene>\d{6}_10)\.png",
            "disparity_left": r"(?P<split>train)ing/disp_occ_0/(?P<scene>\d{6}_10)\.png",
        },
        login="log in and ask for the stereo 2015 data set",
        disparity_scale=256.0,
    ),
    # 23 indoor pairs of about 3000x2000 px with true disparity of both eyes (Scharstein and others, GCPR 2014), one
    # archive of 77 to 104 MB for each; addresses, scenes and files as torchvision has them. `im1E` and `im1L`, of other
    # light, are left alone; the maps are px, infinite = unknown.
    "middlebury2014": DataSet(
        page=f"{_MIDDLEBURY}/",
        files=[
            RemoteFile(f"{s}-perfect.zip", f"{_MIDDLEBURY}/zip/{s}-perfect.zip", item=f"middlebury2014_{s}")
            for s in _MIDDLEBURY_SCENES
        ],
        licence="Middlebury: use and publication permitted, cite",
        item="middlebury2014_{scene}",
        parts={
            "left": r"(?P<scene>[A-Za-z0-9]+)-perfect/im0\.png",
            "right": r"(?P<scene>[A-Za-z0-9]+)-perfect/im1\.png",
            "disparity_left": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp0\.pfm",
            "disparity_right": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp1\.pfm",
        },
    ),
}


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


def build(name: str, *, archives: str | None = None, include: Sequence[str] = ("*",)) -> PublicSource:
    """Returns the source of a data set in the table.

    Args:
        name: Its key.
        archives: Folder of the archives, `$NAME` taken from the environment; by default `data/archives/` and the name.
        include: Globs of item names, such as `kitti2015_train_*`.

    Raises:
        UserError: The environment has no such variable.

    Example:
        >>> type(build("div2k")).__name__
        'PublicSource'
    """
    place = os.path.expandvars(archives or f"{ARCHIVES}/{name}")
    if "$" in place:
        raise UserError(f"params.yaml: 'archives' of {name}: {place}: no such variable; export it.")
    return PublicSource(name, PUBLIC[name], Path(place).expanduser(), include)
