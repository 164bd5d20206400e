"""One row per picture or pair: what it is, where it lies, and the figures that tell a good one from a bad one."""

import csv
import hashlib
import io
import json
import math
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines import paths
from restereo.config import Params, Split
from restereo.datasets import Item
from restereo.datasets.benchmark import looks_like_benchmark
from restereo.datasets.pairs import PairFiles, read_disparities
from restereo.errors import UserError
from restereo.image import Picture, is_grey
from restereo.imaging.detection import PAIRS, Gradients, correlation, gradients, windows
from restereo.imaging.hashing import perceptual_hash
from restereo.imaging.pair_faults import order_score, vertical_offset
from restereo.io.read import MAX_PIXELS, read_picture
from restereo.progress import shown

NAN = math.nan
ORIENTATION: Final = 0x0112
UPRIGHT: Final = 1
TURNS: Final = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "upside down",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 270 degrees",
    8: "turned by 270 degrees",
}
"""EXIF orientation -> how the pixels lie in the file (EXIF 2.32, tag 0x0112)."""

# Of `parallax`.
WIDTH: Final = 250
REACH: Final = 5
"""Shifts of up to a fifth of the width."""
FLAT: Final = 1.0
"""Deviation of a channel's gradients under which it has no texture."""
IN_PLACE: Final = 0.7
"""Channels that correlate so well unshifted belong to one eye: no further look (of 602 anaglyphs the two eyes' channels
under .6, of 726 photographs 84 % all over)."""
ALIKE: Final = 0.2
"""Channels that correlate less than this at any shift do not show the same scene."""
WINDOWED: Final = 0.6
"""What the share of shifted windows counts beside the gain: a photograph's reaches .14, the gain .10."""
SHIFTED: Final = 0.12
"""Of 1,918 training photographs and the 86 views of the training pairs none is over it (at most .10); of 1,075
anaglyphs made of these pairs by all 25 methods all but 3 are."""


@dataclass(frozen=True)
class Stored:
    """How the pixels lie in the file, empty if upright; the share of them that is see-through, None without alpha."""

    turn: str = ""
    see_through: float | None = None


@dataclass(frozen=True)
class View:
    """What the suite asks of one picture; of a pair each eye is one.

    Attributes:
        path: Its file.
        mode: "RGB" or "grey".
        std: Deviation of its luma, 0 to 255.
        parallax: How much of its channels stands shifted, 0 to 1, see `parallax`.
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


def measure_all(params: Params) -> tuple[list[Row], int]:
    """Returns a row for each item that `validate.exclude` leaves, sorted, and how many it leaves out."""
    listed = [(source, item) for source in sorted(params.sources) for item in read_index(source)]
    kept = [
        (source, item)
        for source, item in sorted(listed, key=lambda one: (one[0], one[1].name))
        if not any(fnmatchcase(f"{source}/{item.name}", glob) for glob in params.validation.exclude)
    ]
    rows = [
        measure(source, item, paths.raw(source), params.validation.max_pixels)
        for source, item in shown(kept, "validate")
    ]
    return rows, len(listed) - len(kept)


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


def parallax(picture: NDArray[np.uint8]) -> float:
    """Returns from 0 to 1 how much of the picture's channels stands shifted; over `SHIFTED` it is an anaglyph.

    Stricter than the detector of the library, which is asked about pictures that may well be anaglyphs: here nearly
    none is, and a plain photograph that is called one stops the pipeline. It is the greater of two: what two channels
    gain in correlation when one is shifted as a whole, and (weighted) the share of the texture that fits better
    shifted, window by window.

    Args:
        picture: `(H, W, 3)` uint8 RGB.

    Example:
        >>> wall = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8).repeat(6, 0).repeat(6, 1)
        >>> parallax(np.stack([wall] * 3, axis=-1))
        0.0
        >>> parallax(np.stack([wall[:, 30:], wall[:, :-30], wall[:, :-30]], axis=-1)) > SHIFTED
        True
    """
    edges = gradients(picture, WIDTH, floor=3.0)
    magnitude = np.abs(edges)
    pairs = [(magnitude[..., a], magnitude[..., b]) for a, b in PAIRS.values()]
    doubtful = [pair for pair in pairs if min(x.std() for x in pair) >= FLAT and correlation(*pair) < IN_PLACE]
    if not doubtful:
        return 0.0
    gain = max(_gain(one, two) for one, two in doubtful)
    return gain if gain > SHIFTED else max(gain, WINDOWED * windows(gradients(picture, WIDTH))[1])


def _gain(one: Gradients, two: Gradients) -> float:
    """Returns which share of the best correlation over all shifts is lost in place."""
    width = one.shape[1]
    reach = width // REACH
    found = {
        by: correlation(one[:, max(0, by) : width + min(0, by)], two[:, max(0, -by) : width - max(0, by)])
        for by in range(-reach, reach + 1)
    }
    best = max(found.values())
    return 1 - max(0.0, found[0]) / best if best >= ALIKE else 0.0


def stored(path: Path) -> Stored:
    """Returns what the file of a picture, known to be readable, says beside its pixels.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.png"
        >>> Image.new("RGBA", (4, 2), (9, 9, 9, 255)).save(file)
        >>> stored(file)
        Stored(turn='', see_through=0.0)
    """
    with Image.open(path) as image:
        turn = TURNS.get(image.getexif().get(ORIENTATION, UPRIGHT), "")
        if "A" not in image.getbands() and "transparency" not in image.info:
            return Stored(turn)
        levels = image.convert("RGBA").getchannel("A").histogram()
        return Stored(turn, 1 - levels[255] / sum(levels))


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
