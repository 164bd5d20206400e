"""Anaglyph methods as (matrix, transfer, clip, exponent), and the anaglyph that each makes of a stereo pair.

Where each matrix comes from, and what is left out, stands in `matrices.py`. The same matrix has several names
where programs differ in transfer and clipping: `dubois-linear` is iw3's "dubois" (linear light, each eye
clipped), `dubois-linear-sum` its "dubois2" (only the sum clipped); `wimmer-gamma` brightens red by 1.5
(3dtv.at); `rendepth` clips each eye and then applies its gammas, `gaia` applies them to copied colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError, nearest
from restereo.imaging import formation
from restereo.imaging.matrices import (
    ALT,
    AMBER_BLUE_LCD,
    CRT,
    FIXED,
    GREEN_MAGENTA_LCD,
    LCD,
    ONE,
    RENDEPTH,
    RENDEPTH_GAMMA,
    WIMMER,
    IntegerRows,
    Rows,
)
from restereo.imaging.picture import check_picture

Transfer = Literal["encoded", "linear"]
Clip = Literal["sum", "eyes"]


@dataclass(frozen=True)
class Method:
    """How two views become one anaglyph: `A = clip(P·X) ** (1 / exponent)`.

    Attributes:
        name: Canonical name; the eye of the first colour is the left one, unless it ends in `-swapped`.
        matrix: P, three rows (output R, G, B) of six (left R, G, B, right R, G, B).
        fixed: P as ffmpeg's 16.16 integers, which then decide every bit of the result; or None.
        transfer: Whether P acts on encoded values or on linear light (sRGB decoded, result encoded again).
        clip: Whether each eye's share is clipped to [0, 1] before they are added, or only the sum.
        exponent: Display gamma of each output channel, applied after clipping, on encoded values.
    """

    name: str
    matrix: Rows
    fixed: IntegerRows | None = None
    transfer: Transfer = "encoded"
    clip: Clip = "sum"
    exponent: tuple[float, float, float] = (1.0, 1.0, 1.0)

    @property
    def array(self) -> NDArray[np.float64]:
        """P as a new `(3, 6)` array."""
        return np.array(self.matrix, dtype=np.float64)

    def swapped(self) -> "Method":
        """Returns the same method with the left and the right eye exchanged.

        Example:
            >>> METHODS["red-cyan-color"].swapped().matrix[0]
            (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        """
        name = self.name.removesuffix("-swapped") if self.name.endswith("-swapped") else f"{self.name}-swapped"
        fixed = None if self.fixed is None else tuple(row[3:] + row[:3] for row in self.fixed)
        return replace(self, name=name, matrix=tuple(row[3:] + row[:3] for row in self.matrix), fixed=fixed)


def _float_rows(rows: IntegerRows) -> Rows:
    return tuple(tuple(weight / ONE for weight in row) for row in rows)


_ALL = [
    *(Method(name, _float_rows(rows), fixed=rows) for name, rows in FIXED.items()),
    Method("red-cyan-dubois-crt", CRT),
    Method("red-cyan-dubois-lcd", LCD),
    Method("red-cyan-dubois-alt", ALT),
    Method("red-cyan-dubois-linear", LCD, transfer="linear", clip="eyes"),
    Method("red-cyan-dubois-linear-sum", LCD, transfer="linear"),
    Method("red-cyan-wimmer", WIMMER),
    Method("red-cyan-wimmer-gamma", WIMMER, exponent=(1.5, 1.0, 1.0)),
    Method("red-cyan-rendepth", RENDEPTH, clip="eyes", exponent=RENDEPTH_GAMMA),
    Method("red-cyan-gaia", _float_rows(FIXED["red-cyan-color"]), exponent=RENDEPTH_GAMMA),
    Method("green-magenta-dubois-lcd", GREEN_MAGENTA_LCD),
    Method("amber-blue-dubois-lcd", AMBER_BLUE_LCD),
]

METHODS: Final[dict[str, Method]] = {method.name: method for method in _ALL}
"""Every method by its canonical name."""
HEADLINE_METHOD: Final = "red-cyan-color"

FFMPEG: Final[dict[str, Method]] = {
    "arbg": METHODS["red-blue-grey"],
    "argg": METHODS["red-green-grey"],
    "arcg": METHODS["red-cyan-grey"],
    "arch": METHODS["red-cyan-half"],
    "arcc": METHODS["red-cyan-color"],
    "arcd": METHODS["red-cyan-dubois"],
    "agmg": METHODS["green-magenta-grey"],
    "agmh": METHODS["green-magenta-half"],
    "agmc": METHODS["green-magenta-color"],
    "agmd": METHODS["green-magenta-dubois"],
    "aybg": METHODS["amber-blue-grey"].swapped(),
    "aybh": METHODS["amber-blue-half"].swapped(),
    "aybc": METHODS["amber-blue-color"].swapped(),
    "aybd": METHODS["amber-blue-dubois"],
}
"""What each output mode of ffmpeg's `stereo3d` filter does, whatever its manual says."""

_SHORT = {
    "red-cyan": "red-cyan-color",
    "green-magenta": "green-magenta-color",
    "amber-blue": "amber-blue-color",
    "red-blue": "red-blue-grey",
    "red-green": "red-green-grey",
}


def find_method(name: str) -> Method:
    """Returns the method of a canonical name, of an ffmpeg mode, or of a short name such as `red-cyan`.

    `-swapped` after a canonical or short name exchanges the eyes.

    Raises:
        UserError: There is no such method.

    Example:
        >>> find_method("red-cyan").name, find_method("aybc").name
        ('red-cyan-color', 'amber-blue-color-swapped')
    """
    if name in FFMPEG:
        return FFMPEG[name]
    stem = name.removesuffix("-swapped")
    full = _SHORT.get(stem, stem)
    if full not in METHODS:
        raise UserError(f"unknown anaglyph method '{name}': {nearest(name, [*METHODS, *FFMPEG, *_SHORT])}.")
    return METHODS[full].swapped() if stem != name else METHODS[full]


def method_shares(weights: Mapping[str, float] | None = None) -> dict[str, float]:
    """Returns the share of each method among training inputs; half are colour red-cyan unless weights are given.

    Example:
        >>> method_shares({"red-cyan": 3, "green-magenta": 1})
        {'red-cyan-color': 0.75, 'green-magenta-color': 0.25}
        >>> round(sum(method_shares().values()), 6), method_shares()["red-cyan-color"]
        (1.0, 0.5)
    """
    others = len(METHODS) - 1
    given = weights or {name: others if name == HEADLINE_METHOD else 1.0 for name in METHODS}
    total = sum(given.values())
    return {find_method(name).name: weight / total for name, weight in given.items()}


def eye_channels(matrix: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Returns the output channels that belong mainly to the left eye, and those of the right eye.

    A channel belongs to the eye whose weights have the larger sum of magnitudes, an all-zero one to none.

    Args:
        matrix: P, anything that `numpy.asarray` takes, `(C, 6)`.

    Example:
        >>> eye_channels(METHODS["green-magenta-dubois"].matrix)
        ((1,), (0, 2))
    """
    weights = np.abs(np.asarray(matrix, dtype=np.float64))
    left, right = weights[:, :3].sum(axis=1), weights[:, 3:].sum(axis=1)
    return tuple(map(int, np.flatnonzero(left > right))), tuple(map(int, np.flatnonzero(right > left)))


def form(left: NDArray[np.uint8], right: NDArray[np.uint8], method: Method) -> NDArray[np.uint8]:
    """Returns the anaglyph `(H, W, 3)` uint8 of two views `(H, W, 3)` uint8.

    Fixed methods equal ffmpeg's `stereo3d` bit for bit: an integer sum, shifted down (floor), clipped. The
    others are computed in float32 and rounded to nearest.

    Raises:
        UserError: The views differ in size, or are no 8-bit RGB pictures.

    Example:
        >>> left, right = np.full((1, 1, 3), 10, np.uint8), np.full((1, 1, 3), 90, np.uint8)
        >>> form(left, right, METHODS["red-cyan-color"]).tolist()
        [[[10, 90, 90]]]
    """
    if left.shape != right.shape:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[0]}" if p.ndim >= 2 else str(p.shape) for p in (left, right))
        raise UserError(f"the two views have different sizes ({sizes}); give two pictures of one size.")
    check_picture(left, "the left view")
    check_picture(right, "the right view")
    if method.fixed is not None:
        return formation.fixed_sum(left, right, method.fixed)
    return formation.float_sum(
        left, right, method.array, method.transfer == "linear", method.clip == "eyes", method.exponent
    )
