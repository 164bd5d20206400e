"""One row per picture or pair: what it is, where it lies, and the figures that tell a good one from a bad one."""

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass, field, fields
from pathlib import Path

import cv2
import numpy as np

from pipelines import paths
from pipelines.validation.parallax import parallax
from pipelines.validation.stored import Stored, stored
from restereo.config import Split
from restereo.datasets import Item
from restereo.datasets.benchmark import looks_like_benchmark
from restereo.datasets.pairs import PairFiles, read_disparities
from restereo.errors import UserError
from restereo.image import Picture, is_grey
from restereo.imaging.hashing import perceptual_hash
from restereo.imaging.pair_faults import order_score, vertical_offset
from restereo.io.read import MAX_PIXELS, read_picture

NAN = math.nan


@dataclass(frozen=True)
class View:
    """What the suite asks of one picture; of a pair each eye is one.

    Attributes:
        path: Its file.
        mode: "RGB" or "grey".
        std: Deviation of its luma, 0 to 255.
        parallax: See `parallax.parallax`.
        stored: What its file says beside the pixels.
    """

    path: str
    mode: str
    std: float
    parallax: float
    stored: Stored


@dataclass
class Row:
    """A row of the manifest. Luma figures are in 0 to 255, disparities and offsets in px; NaN = not known.

    The last fields are for the suite and the splits alone and do not stand in the CSV file.
    """

    source: str
    name: str
    kind: str
    group: str
    split: str
    path: str
    path_right: str
    disparity_left: str
    disparity_right: str
    disparity_scale: float
    sha256: str = ""
    sha256_right: str = ""
    width: int = 0
    height: int = 0
    mode: str = "unreadable"
    mean: float = NAN
    std: float = NAN
    sharpness: float = NAN
    phash: str = ""
    disparity_min: float = NAN
    disparity_max: float = NAN
    vertical_offset: float = NAN
    licence: str = ""
    benchmark: bool = False
    declared: Split | None = field(default=None, metadata={"suite_only": True})
    problem: str = field(default="", metadata={"suite_only": True})
    size_right: str = field(default="", metadata={"suite_only": True})
    phash_right: str = field(default="", metadata={"suite_only": True})
    eye_order: float = field(default=NAN, metadata={"suite_only": True})
    views: list[View] = field(default_factory=list, metadata={"suite_only": True})

    @property
    def paths(self) -> list[str]:
        """All its files, maps too."""
        return [p for p in (self.path, self.path_right, self.disparity_left, self.disparity_right) if p]

    @property
    def pictures(self) -> str:
        """Its picture, or the pictures of both eyes."""
        return ", ".join(path for path in (self.path, self.path_right) if path)

    @property
    def item(self) -> str:
        """The row's name in sentences, unique in the manifest."""
        return f"{self.source}/{self.name}"


COLUMNS = [f.name for f in fields(Row) if not f.metadata.get("suite_only")]


def read_index(source: str) -> list[Item]:
    """Returns the items that the stage `download` listed.

    Raises:
        UserError: There is no index yet, or it is not one.
    """
    file = paths.raw(source) / "index.json"
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return [Item(**row) for row in content["items"]]
    except FileNotFoundError:
        raise UserError(f"{file}: no such file; run the stage 'download@{source}' first.") from None
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{file}: not an index ({error}); run the stage 'download@{source}' again.") from None


def measure(source: str, item: Item, folder: Path, max_pixels: int = MAX_PIXELS) -> Row:
    """Returns the item's row, its split still empty. A file that cannot be read is told in `problem`."""
    files = {part: folder / file for part, file in item.files.items()}
    main = files.get("photo") or files["left"]
    place = {part: path.as_posix() for part, path in files.items()}
    row = Row(
        source=source,
        name=item.name,
        kind=item.kind,
        group=item.group,
        split="",
        path=main.as_posix(),
        path_right=place.get("right", ""),
        disparity_left=place.get("disparity_left", ""),
        disparity_right=place.get("disparity_right", ""),
        disparity_scale=NAN if item.disparity_scale is None else item.disparity_scale,
        licence=item.licence,
        declared=item.split,
    )
    try:
        picture = read_picture(main, max(max_pixels, MAX_PIXELS))
        _measure_picture(row, main, picture)
        if item.kind == "pair":
            pair = PairFiles(item.name, main, files["right"], files.get("disparity_left"), files.get("disparity_right"))
            _measure_pair(row, pair, picture, item.disparity_scale)
    except UserError as error:
        row.problem = str(error)
    row.benchmark = looks_like_benchmark(int(h, 16) for h in (row.phash, row.phash_right) if h)
    return row


def _measure_picture(row: Row, path: Path, picture: Picture) -> None:
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    row.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    row.height, row.width = luma.shape
    row.mean, row.std = float(luma.mean()), float(luma.std())
    row.sharpness = float(cv2.Laplacian(luma, cv2.CV_64F).var())
    row.phash = f"{perceptual_hash(picture):016x}"
    row.views.append(_view(path, picture, row.std))
    row.mode = row.views[0].mode


def _view(path: Path, picture: Picture, std: float) -> View:
    mode = "grey" if is_grey(picture) else "RGB"
    return View(path.as_posix(), mode, std, parallax(picture), stored(path))


def _measure_pair(row: Row, files: PairFiles, left: Picture, divisor: float | None) -> None:
    right = read_picture(files.right, max(left.shape[0] * left.shape[1], MAX_PIXELS))
    row.sha256_right = hashlib.sha256(files.right.read_bytes()).hexdigest()
    row.phash_right = f"{perceptual_hash(right):016x}"
    row.size_right = f"{right.shape[1]}x{right.shape[0]}"
    row.views.append(_view(files.right, right, float(cv2.cvtColor(right, cv2.COLOR_RGB2GRAY).std())))
    if right.shape != left.shape:
        return
    row.vertical_offset = float(vertical_offset(left, right))
    row.eye_order = order_score(left, right)
    disparity = read_disparities(files, left, right, divisor)
    if disparity is not None and np.isfinite(disparity).any():
        row.disparity_min, row.disparity_max = float(np.nanmin(disparity)), float(np.nanmax(disparity))


def write_csv(rows: list[Row]) -> str:
    """Returns the manifest as CSV, the same bytes for the same rows: numbers with three decimals, NaN empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(getattr(row, key)) for key in COLUMNS})
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    return value
