"""Rows that disagree: pairs by hand or by phone show a point some px higher or lower in one eye than in the other.

The difference is smooth over the picture (cameras turned, tilted, or zoomed against each other), so six numbers say it:
a polynomial of second degree. Parallax is unknown and runs along rows, so small tiles of the left eye are looked for in
the right one over every shift along rows and a few px across them; what is compared is the gradient's magnitude,
because the eyes of an anaglyph show different colours. The polynomial is fitted to the tiles' best rows, first on a
small copy, then twice more with the rows moved by what is known.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.stereo import SHARED_DETAIL, shared_detail

Floats = NDArray[np.float32]
Points = NDArray[np.float64]

COARSE_WIDTH: Final = 240
"""Px of the first copy; tiles are looked for over its whole reach."""
FINE_PIXELS: Final = 2.5e5
"""Pixels of the copy that the result is settled on."""
REACH: Final = 0.17
"""Share of the width that parallax may take, either way."""
ROWS: Final = 10
"""Px of the whole picture that rows may be apart."""
TILES: Final = (16, 32)
"""Px of a tile's side on the first copy and on the finer one."""
SIGMA: Final = 6.0
"""Px of the Gaussian that gradients are normalised over."""
LEAST_SCORE: Final = 0.3
"""Normalised correlation under which a tile has not been found."""
STILL: Final = 1.5
"""Px. JPEG 4:2:0 gives both eyes the same finest detail at one place: a tile that hardly moved then says nothing."""
BENT: Final = np.array([0, 1, 1, 2, 2, 2])
"""How much each term of the polynomial (1, x, y, xy, x², y²) is held to what is known, in `STIFF` of all tiles."""
STIFF: Final = (0.02, 0.005)
TILTS: Final = 256
"""Planes through three random tiles of which the best one is the first guess."""
LEAST_TILES: Final = 12
LOOKED_AT: Final = 64
"""Rows above and below the middle that tell whether JPEG mixed the eyes."""
LEAST_ROWS: Final = (0.45, 0.8)
"""Root mean square in px under which rows count as equal, without and with detail that JPEG mixed. On the 40 rectified
pairs in training data at most .39 and .74 is found (tests/restereo/imaging/test_rectification.py)."""
LEAST_AGREEMENT: Final = 0.5
"""Of polynomials fitted to either half of the tiles: by how much of the whole they may differ, root mean square."""


@final
@dataclass(frozen=True, eq=False)
class RowOffset:
    """By how much lower the right eye shows the scene than the left, as a polynomial over its picture at any size.

    Attributes:
        terms: `(6,)` of 1, x, y, xy, x² and y², x and y from -1 to 1 over the picture; in heights of the picture.
    """

    terms: Points

    def rows(self, height: int, width: int, rows: slice = slice(None)) -> Floats:
        """Returns the offset in px `(h, W)` of some rows of a picture of this size.

        A point at (x, y) of a picture whose rows agree with the left eye's is at (x, y + offset) of the right eye's.

        Example:
            >>> RowOffset(np.array([0.01, 0, 0, 0, 0, 0])).rows(200, 2, slice(0, 1)).tolist()
            [[2.0, 2.0]]
        """
        x, y = _unit(np.arange(width), width), _unit(np.arange(height)[rows], height)[:, None]
        constant, across, down, twist, bow, bend = self.terms * height
        offset = constant + across * x + bow * x * x + y * (down + twist * x + bend * y)
        return np.asarray(offset, np.float32)

    def size(self, height: int, width: int) -> float:
        """Returns the root mean square in px of a picture of this size.

        Example:
            >>> RowOffset(np.array([0, 0, 0.01, 0, 0, 0])).size(300, 400) < 3
            True
        """
        x, y = np.meshgrid(*2 * (np.linspace(-1, 1, 9),))
        return float(height * np.sqrt(np.mean((_terms(x.ravel(), y.ravel()) @ self.terms) ** 2)))


def levelled(picture: NDArray[Any], offset: Floats) -> NDArray[Any]:
    """Returns the right eye's picture `(H, W)` or `(H, W, C)` with each row moved to where the left eye shows it.

    Bicubic; beyond the frame the border is repeated.

    Args:
        picture: uint8, uint16 or float32.
        offset: `(H, W)` in px, `RowOffset.rows` of this size.

    Example:
        >>> levelled(np.arange(5, dtype=np.float32)[:, None], np.ones((5, 1), np.float32)).ravel().tolist()
        [1.0, 2.0, 3.0, 4.0, 4.0]
    """
    return _moved(picture, offset)


def tilted(picture: NDArray[Any], offset: Floats) -> NDArray[Any]:
    """Returns what `levelled` undoes: a picture whose rows agree with the left eye's, as the right eye shows it.

    Example:
        >>> tilted(np.arange(5, dtype=np.float32)[:, None], np.ones((5, 1), np.float32)).ravel().tolist()
        [0.0, 0.0, 1.0, 2.0, 3.0]
    """
    there = offset
    for _ in range(3):  # the offset is known at the row that is looked for; it changes by some percent of itself
        there = _moved(offset, -there)
    return _moved(picture, -there)


def _moved(picture: NDArray[Any], offset: Floats) -> NDArray[Any]:
    height, width = offset.shape
    x = np.broadcast_to(np.arange(width, dtype=np.float32), offset.shape)
    y = np.arange(height, dtype=np.float32)[:, None] + offset
    moved = cv2.remap(picture, np.ascontiguousarray(x), y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved).reshape(picture.shape)


def row_offset(left: Floats, right: Floats) -> RowOffset | None:
    """Returns by how much the right eye's rows are lower, or None if they agree, or if that cannot be told.

    Args:
        left: `(H, W)` float32 in [0, 255], what the left eye shows, in whatever colour.
        right: The right eye's.

    Example:
        >>> noise = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 999, (160, 240)).astype(np.float32), (0, 0), 2)
        >>> row_offset(noise[:, 9:], noise[:, :-9]) is None
        True
        >>> found = row_offset(noise[3:, 9:], 255 - noise[:-3, :-9])
        >>> round(float(found.rows(157, 231).mean()), 1)
        3.0
    """
    height, width = left.shape
    middle = slice(max(0, height // 2 - LOOKED_AT), height // 2 + LOOKED_AT)
    shared = shared_detail(left[middle], right[middle]) > SHARED_DETAIL
    fine = min(1.0, (FINE_PIXELS / (height * width)) ** 0.5)
    scales = min(fine, COARSE_WIDTH / width), fine, fine
    if min(height, width) * scales[0] < 4 * TILES[0]:
        return None
    pictures = {scale: [_structure(eye, scale) for eye in (left, right)] for scale in set(scales)}
    offset, tiles = RowOffset(np.zeros(6)), None
    for level, scale in enumerate(scales):
        own, other = pictures[scale]
        if level:
            other = levelled(other, offset.rows(*other.shape))
        tiles = _tiles(own, other, level, scale, tiles)
        design = _terms(_unit(tiles.right, own.shape[1]), _unit(tiles.y, own.shape[0]))
        known = design @ offset.terms * own.shape[0]
        rows, weight = tiles.rows + known, tiles.score.copy()
        if shared:
            weight[(np.abs(tiles.right - tiles.x) <= STILL) & (np.abs(rows) <= STILL)] = 0
        if np.count_nonzero(weight) < LEAST_TILES:
            return None
        start = offset.terms * own.shape[0] if level else _plane(design, rows, weight)
        limits = (2.0, 1.5, 1.2) if level == 0 else (2.0, 1.2, 0.8)
        terms, trust = _fit(design, rows, weight, start, limits, STIFF[min(level, 1)])
        offset = RowOffset(terms / own.shape[0])
        tiles = tiles._replace(score=trust).scaled(1 / scale)
    halves = [_fit(design[i::2], rows[i::2], weight[i::2], terms, limits[-1:], STIFF[1])[0] for i in (0, 1)]
    size = offset.size(height, width)
    differ = RowOffset((halves[0] - halves[1]) / own.shape[0]).size(height, width)
    return offset if size >= LEAST_ROWS[shared] and differ <= LEAST_AGREEMENT * size else None


class Tiles(NamedTuple):
    """Where tiles of the left eye were found in the right one, `(N,)` each, in px.

    Attributes:
        x: The centre's column in the left eye.
        y: Its row.
        right: Its column in the right eye.
        rows: By how many rows lower it was found there.
        score: Weight, 0 = not found.
    """

    x: Points
    y: Points
    right: Points
    rows: Points
    score: Points

    def scaled(self, factor: float) -> "Tiles":
        """Returns the same in a picture this much larger."""
        return Tiles(factor * self.x, factor * self.y, factor * self.right, factor * self.rows, self.score)


def _structure(eye: Floats, scale: float) -> Floats:
    """Returns the gradient's magnitude over its local mean, of a smaller copy of the eye."""
    if scale < 1:
        eye = np.asarray(cv2.resize(eye, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)
    gradient = cv2.magnitude(*(cv2.Sobel(eye, cv2.CV_32F, *way, scale=1 / 8) for way in ((1, 0), (0, 1))))
    return np.asarray(gradient / (cv2.GaussianBlur(gradient, (0, 0), SIGMA) + 0.5), np.float32)


def _tiles(own: Floats, other: Floats, level: int, scale: float, before: Tiles | None) -> Tiles:
    """Returns where the tiles were found: anywhere along their rows, or near where the level before says."""
    height, width = own.shape
    side = TILES[min(level, 1)]
    reach = (int(REACH * width), 3, 1)[level]
    rows = (int(np.ceil(max(2, ROWS * scale))) + 1, 3, 1)[level]
    y, x = (
        one.ravel() for one in np.mgrid[0 : height - side + 1 : side * 3 // 4, 0 : width - side + 1 : side * 3 // 4]
    )
    centre = side / 2 - 0.5
    start = np.zeros(len(x), int)
    if before is not None:
        near = before.scaled(scale)
        near = Tiles(*(one[near.score > 0] for one in near))
        nearest = np.hypot(near.x - x[:, None] - centre, near.y - y[:, None] - centre).argmin(1)
        start = np.rint((near.right - near.x)[nearest]).astype(int)
    margin = reach + int(np.abs(start).max())
    wide = cv2.copyMakeBorder(other, rows, rows, margin, margin, cv2.BORDER_CONSTANT)
    scores = np.empty((len(x), 2 * rows + 1, 2 * reach + 1), np.float32)
    for index, (top, column, shift) in enumerate(zip(y, x, x + start + margin - reach, strict=True)):
        area = wide[top : top + side + 2 * rows, shift : shift + side + 2 * reach]
        scores[index] = cv2.matchTemplate(area, own[top : top + side, column : column + side], cv2.TM_CCOEFF_NORMED)
    profile = scores.max(2)
    every, best = np.arange(len(x)), profile.argmax(1)
    inside = best.clip(1, 2 * rows - 1)
    above, middle, below = (profile[every, inside + step] for step in (-1, 0, 1))
    curve = np.maximum(2 * middle - above - below, 1e-6)
    found = inside - rows + ((below - above) / (2 * curve)).clip(-0.5, 0.5)
    right = x + start + scores[every, inside].argmax(1) - reach
    score = np.where((inside == best) & (middle > LEAST_SCORE), middle**2 * np.sqrt(curve), 0)
    return Tiles(x + centre, y + centre, right + centre, found, score)


def _unit(places: NDArray[Any], count: int) -> Points:
    return np.asarray((2 * places + 1) / count - 1, np.float64)


def _terms(x: Points, y: Points) -> Points:
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)


def _plane(design: Points, rows: Points, weight: Points) -> Points:
    """Returns the terms of the plane through three tiles on which most tiles lie (RANSAC)."""
    rng = np.random.default_rng(0)
    sure = np.flatnonzero(weight)
    picked = sure[rng.integers(len(sure), size=(TILTS, 3))]
    corners = design[picked][..., :3]
    wide = np.abs(np.linalg.det(corners)) > 0.1
    planes = np.linalg.solve(corners[wide], rows[picked[wide]][..., None])[..., 0]
    levels = np.pad(rows[sure, None], ((0, 0), (0, 2)))  # and those without tilt
    planes = np.concatenate([planes, levels])
    off = planes @ design[:, :3].T - rows
    likely = (weight * np.clip(1 - (off / 1.25) ** 2, 0, None)).sum(1)
    return np.append(planes[likely.argmax()], np.zeros(3))


def _fit(
    design: Points, rows: Points, weight: Points, start: Points, limits: tuple[float, ...], stiff: float
) -> tuple[Points, Points]:
    """Returns the terms, and the weight of each tile: Tukey's biweight, reweighted, with limits that narrow."""
    terms: Points = start
    held = np.diag(stiff * weight.sum() * BENT)
    for limit in limits:
        for _ in range(8):
            trust = weight * np.clip(1 - ((rows - design @ terms) / limit) ** 2, 0, None) ** 2
            moments = design.T * trust
            known = moments @ rows + held @ start
            terms = np.asarray(np.linalg.solve(moments @ design + held + 1e-9 * np.eye(6), known), np.float64)
    return terms, trust
