"""Anaglyph methods: matrix, transfer, clip, exponent and order of the eyes, and their names.

The same matrix has several names where programs differ in transfer and clipping: `dubois-linear` is iw3's "dubois"
(linear light, each eye clipped), `dubois-linear-sum` its "dubois2" (only the sum clipped); `wimmer-gamma` brightens
red by 1.5 (3dtv.at); `rendepth` clips each eye and then applies its gammas, `gaia` applies them to copied colours.

Rows of coefficients are output R, G, B; columns left R, G, B, right R, G, B.

* `FIXED`: the table of ffmpeg's `vf_stereo3d.c`, 16.16 integers on encoded values. Grey and half use BT.601
  luma, dubois is Dubois' CRT (red-cyan) or LCD matrix to three digits.
* `CRT`: W. Sanders, D. McAllister, "Producing anaglyphs from synthetic images", SPIE 5006, 2003.
* `LCD`, `GREEN_MAGENTA_LCD`, `AMBER_BLUE_LCD`: E. Dubois, 2009, for LCD screens, as in Bino, Dolphin and iw3.
* `ALT`: the variant found in mbrown1413's viewer.
* `WIMMER`: P. Wimmer, "Optimized anaglyphs", 3dtv.at: red is .7 G + .3 B of the left eye.
* `red-cyan-stereoscopy`: what StereoscoPy makes by default: Wimmer's red, brightened by 1.3. Before it mixes, it
  moves G and B of each eye .3 of the way to R where R > G, which no matrix describes: its views come back so.
* `RENDEPTH`: A. Hernandez' shader (Rendepth, Citra), with its misprint -0.400822 for -0.0400822, because
  pictures were made with it; `RENDEPTH_GAMMA` is its display gamma per channel, as in Gaia Sky.

Left out, because no matrix describes it: the improved method of McAllister, Zhou and Sullivan (SPIE 7524,
2010; iw3's "wimmer2") adds .45 max(0, R - G) to green and .25 max(0, R - B) to blue before it mixes the eyes.
Left out as a misprint of little effect: green-magenta with +.065 for -.065 (old Dolphin, Gaia Sky).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from restereo.errors import UserError, nearest

Rows = tuple[tuple[float, ...], ...]
IntegerRows = tuple[tuple[int, ...], ...]

ONE: Final = 65536
"""1.0 in 16.16 fixed point."""

_Y = (19595, 38470, 7471)  # BT.601 luma: .299, .587, .114
_R, _G, _B, _NONE = (ONE, 0, 0), (0, ONE, 0), (0, 0, ONE), (0, 0, 0)

FIXED: dict[str, IntegerRows] = {
    "red-blue-grey": (_Y + _NONE, _NONE + _NONE, _NONE + _Y),
    "red-green-grey": (_Y + _NONE, _NONE + _Y, _NONE + _NONE),
    "red-cyan-grey": (_Y + _NONE, _NONE + _Y, _NONE + _Y),
    "red-cyan-half": (_Y + _NONE, _NONE + _G, _NONE + _B),
    "red-cyan-color": (_R + _NONE, _NONE + _G, _NONE + _B),
    "red-cyan-dubois": (
        (29884, 32768, 11534, -2818, -5767, -131),
        (-2621, -2490, -1049, 24773, 48103, -1180),
        (-983, -1376, -328, -4719, -7406, 80347),
    ),
    "green-magenta-grey": (_NONE + _Y, _Y + _NONE, _NONE + _Y),
    "green-magenta-half": (_NONE + _R, _Y + _NONE, _NONE + _B),
    "green-magenta-color": (_NONE + _R, _G + _NONE, _NONE + _B),
    "green-magenta-dubois": (
        (-4063, -10354, -2556, 34669, 46203, 1573),
        (18612, 43778, 9372, -1049, -983, -4260),
        (-983, -1769, 1376, 590, 4915, 61407),
    ),
    # ffmpeg puts the left eye into blue here (FFMPEG below has it so); amber left is what the name says.
    "amber-blue-grey": (_Y + _NONE, _Y + _NONE, _NONE + _Y),
    "amber-blue-half": (_R + _NONE, _G + _NONE, _NONE + _Y),
    "amber-blue-color": (_R + _NONE, _G + _NONE, _NONE + _B),
    "amber-blue-dubois": (
        (69599, -13435, 19595, -1048, -8061, -1114),
        (-1704, 59507, 4456, 393, 4063, -1114),
        (-2490, -11338, 1442, 6160, 12124, 59703),
    ),
}

CRT: Rows = (
    (0.4561, 0.500484, 0.176381, -0.0434706, -0.0879388, -0.00155529),
    (-0.0400822, -0.0378246, -0.0157589, 0.378476, 0.73364, -0.0184503),
    (-0.0152161, -0.0205971, -0.00546856, -0.0721527, -0.112961, 1.2264),
)
LCD: Rows = (
    (0.437, 0.449, 0.164, -0.011, -0.032, -0.007),
    (-0.062, -0.062, -0.024, 0.377, 0.761, 0.009),
    (-0.048, -0.05, -0.017, -0.026, -0.093, 1.234),
)
ALT: Rows = (
    (0.4155, 0.471, 0.167, -0.0109, -0.0365, -0.006),
    (-0.0458, -0.0484, -0.0258, 0.3756, 0.7333, 0.0111),
    (-0.0545, -0.0614, 0.0128, -0.0651, -0.1286, 1.2968),
)
GREEN_MAGENTA_LCD: Rows = (
    (-0.062, -0.158, -0.039, 0.529, 0.705, 0.024),
    (0.284, 0.668, 0.143, -0.016, -0.015, -0.065),
    (-0.015, -0.027, 0.021, 0.009, 0.075, 0.937),
)
AMBER_BLUE_LCD: Rows = (
    (1.062, -0.205, 0.299, -0.016, -0.123, -0.017),
    (-0.026, 0.908, 0.068, 0.006, 0.062, -0.017),
    (-0.038, -0.173, 0.022, 0.094, 0.185, 0.911),
)
WIMMER: Rows = (
    (0.0, 0.7, 0.3, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    (0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
)
RENDEPTH: Rows = (CRT[0], (-0.400822, *CRT[1][1:]), CRT[2])
RENDEPTH_GAMMA = (1.6, 0.8, 1.0)

Transfer = Literal["encoded", "linear"]
Clip = Literal["sum", "eyes"]
Eye = Literal["left", "right"]

_SWAPPED = "-swapped"


@dataclass(frozen=True)
class AnaglyphMethod:
    """How two views become one anaglyph: `A = clip(P·X) ** (1 / exponent)`.

    Attributes:
        base: Name of the colours and of how the views are mixed, whatever the order of the eyes.
        matrix: P, three rows (output R, G, B) of six (left R, G, B, right R, G, B).
        fixed: P as ffmpeg's 16.16 integers, which then decide every bit of the result; or None.
        transfer: Whether P acts on encoded values or on linear light (sRGB decoded, result encoded again).
        clip: Whether each eye's share is clipped to [0, 1] before they are added, or only the sum.
        exponent: Display gamma of each output channel, applied after clipping, on encoded values.
        first_eye: The eye that sees the first colour.
    """

    base: str
    matrix: Rows
    fixed: IntegerRows | None = None
    transfer: Transfer = "encoded"
    clip: Clip = "sum"
    exponent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    first_eye: Eye = "left"

    @property
    def name(self) -> str:
        """The canonical name, which `parse` takes; the first colour is the left eye's unless it ends in `-swapped`."""
        return self.base if self.first_eye == "left" else f"{self.base}{_SWAPPED}"

    def __str__(self) -> str:
        """Returns the canonical name."""
        return self.name

    @property
    def colors(self) -> str:
        """The colours of the glasses, such as `red-cyan`."""
        return "-".join(self.base.split("-")[:2])

    @property
    def family(self) -> str:
        """How the views are mixed, such as `color`, `half`, `grey` or `dubois`."""
        return self.base.removeprefix(f"{self.colors}-")

    @property
    def is_grey(self) -> bool:
        """Whether its anaglyphs hold no colour."""
        return self.family == "grey"

    def swapped(self) -> "AnaglyphMethod":
        """Returns the same method with the left and the right eye exchanged.

        Example:
            >>> METHODS["red-cyan-color"].swapped().matrix[0]
            (0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
        """
        fixed = None if self.fixed is None else tuple(row[3:] + row[:3] for row in self.fixed)
        matrix = tuple(row[3:] + row[:3] for row in self.matrix)
        return replace(self, matrix=matrix, fixed=fixed, first_eye="right" if self.first_eye == "left" else "left")


def _float_rows(rows: IntegerRows) -> Rows:
    return tuple(tuple(weight / ONE for weight in row) for row in rows)


_ALL = [
    *(AnaglyphMethod(name, _float_rows(rows), fixed=rows) for name, rows in FIXED.items()),
    AnaglyphMethod("red-cyan-dubois-crt", CRT),
    AnaglyphMethod("red-cyan-dubois-lcd", LCD),
    AnaglyphMethod("red-cyan-dubois-alt", ALT),
    AnaglyphMethod("red-cyan-dubois-linear", LCD, transfer="linear", clip="eyes"),
    AnaglyphMethod("red-cyan-dubois-linear-sum", LCD, transfer="linear"),
    AnaglyphMethod("red-cyan-wimmer", WIMMER),
    AnaglyphMethod("red-cyan-wimmer-gamma", WIMMER, exponent=(1.5, 1.0, 1.0)),
    AnaglyphMethod("red-cyan-stereoscopy", WIMMER, exponent=(1.3, 1.0, 1.0)),
    AnaglyphMethod("red-cyan-rendepth", RENDEPTH, clip="eyes", exponent=RENDEPTH_GAMMA),
    AnaglyphMethod("red-cyan-gaia", _float_rows(FIXED["red-cyan-color"]), exponent=RENDEPTH_GAMMA),
    AnaglyphMethod("green-magenta-dubois-lcd", GREEN_MAGENTA_LCD),
    AnaglyphMethod("amber-blue-dubois-lcd", AMBER_BLUE_LCD),
]

METHODS: Final[dict[str, AnaglyphMethod]] = {method.name: method for method in _ALL}
"""Every method by its canonical name."""
BY_NAME: Final = {method.name: method for one in _ALL for method in (one, one.swapped())}
"""Every method by its canonical name, with either eye first."""
HEADLINE_METHOD: Final = "red-cyan-color"

FFMPEG: Final[dict[str, AnaglyphMethod]] = {
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


LOST: Final = dict.fromkeys(
    ["magenta-cyan", "cyan-magenta"],
    "magenta and cyan glasses both let blue through, so blue holds a mixture of both views that cannot be taken apart; "
    "recovered can be red-cyan, green-magenta and amber-blue",
)
"""Glasses that are made and sold, of whose anaglyphs no views can be recovered, and why."""


def parse(text: str) -> AnaglyphMethod:
    """Returns the method of a canonical name, of an ffmpeg mode, or of a short name such as `red-cyan`.

    `-swapped` after a name exchanges the eyes.

    Raises:
        UserError: There is no such method.

    Example:
        >>> parse("red-cyan").name, parse("aybc").name, parse("aybc-swapped").name
        ('red-cyan-color', 'amber-blue-color-swapped', 'amber-blue-color')
    """
    stem = text.removesuffix(_SWAPPED)
    found = FFMPEG.get(stem) or METHODS.get(_SHORT.get(stem, stem))
    if found is None and (about := LOST.get(stem.rsplit("-", 1)[0] if stem not in LOST else stem)):
        raise UserError(f"'{text}': {about}.")
    if found is None:
        raise UserError(f"unknown anaglyph method '{text}': {nearest(text, [*METHODS, *FFMPEG, *_SHORT])}.")
    return found if stem == text else found.swapped()


def parse_or_detect(text: "str | AnaglyphMethod") -> AnaglyphMethod | None:
    """Returns what `parse` returns, None for `auto`: to be detected; a method is returned as it is.

    Raises:
        UserError: There is no such method.

    Example:
        >>> parse_or_detect("auto") is None, str(parse_or_detect("red-cyan"))
        (True, 'red-cyan-color')
    """
    return text if isinstance(text, AnaglyphMethod) else None if text == "auto" else parse(text)


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
    return {parse(name).name: weight / total for name, weight in given.items()}
