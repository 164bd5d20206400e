"""Every form in which two views are shown: one table, and the pictures that each makes of them. No files here.

The suffixes are those by which headset players tell a file's layout: `_LRF_Full_SBS`, `_TBF_fulltb`, `_LR`, `_TB` and
`_RLF_cross` are what nunif's iw3 writes for Pigasus; Skybox finds `SBS`, `LR` and `TB` in them.
"""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import MODEL, UserError, nearest
from restereo.image import Pixels, eight_bit
from restereo.imaging.anaglyph import form
from restereo.io.defaults import GLASSES
from restereo.methods import METHODS, AnaglyphMethod


@dataclass(frozen=True)
class Layout:
    """One way to show two views.

    Attributes:
        name: What the command line calls it.
        about: What it is, in words.
        suffixes: What is added to a file's stem, one for each file that it makes.
        endings: Of the files that can hold it, the usual one first; none = any picture.
        stereo_mode: Matroska's StereoMode of a film in this layout, or None where it has none.
        film: Whether a film can have it.
        axis: Along which the views are joined, 0 = one above the other, 1 = side by side; None = they are not.
        crossed: Whether the right view comes first.
        halved: Whether each view is squeezed to half along `axis`.
    """

    name: str
    about: str
    suffixes: tuple[str, ...]
    endings: tuple[str, ...] = ()
    stereo_mode: int | None = None
    film: bool = True
    axis: int | None = None
    crossed: bool = False
    halved: bool = False


MAPS: Final = (".png", ".tif", ".tiff", ".webp", ".bmp", ".jpg", ".jpeg")

_ALL: Final = [
    Layout("sbs", "left and right side by side", ("_LRF_Full_SBS",), stereo_mode=1, axis=1),
    Layout(
        "cross", "right and left side by side, for crossed eyes", ("_RLF_cross",), stereo_mode=11, axis=1, crossed=True
    ),
    Layout("tb", "left above right", ("_TBF_fulltb",), stereo_mode=3, axis=0),
    Layout("half-sbs", "side by side, each view half as wide", ("_LR",), stereo_mode=1, axis=1, halved=True),
    Layout("half-tb", "left above right, each view half as high", ("_TB",), stereo_mode=3, axis=0, halved=True),
    Layout("pair", "two files", ("_L", "_R"), film=False),
    Layout("mpo", "both views in one file, as 3D cameras write it", ("",), (".mpo",), film=False),
    Layout("jps", "stereo JPEG, right view first", ("",), (".jps",), film=False, axis=1, crossed=True),
    Layout("wiggle", "left and right in turn", ("_wiggle",), (".gif", ".webp", ".png"), film=False),
    Layout("anaglyph", "an anaglyph again, for other glasses", ("_anaglyph",)),
    Layout("left", "the left view alone", ("_left",)),
    Layout("right", "the right view alone", ("_right",)),
    Layout("disparity", "disparities of both views in px", ("_disparity",), (".tif", ".tiff", ".pfm"), film=False),
    Layout("confidence", "white where colours were matched, black where invented", ("_confidence",), MAPS, film=False),
]

LAYOUTS: Final[dict[str, Layout]] = {layout.name: layout for layout in _ALL}
"""Every layout by its name."""


def find_layout(name: str) -> Layout:
    """Returns the layout of this name.

    Raises:
        UserError: There is none.

    Example:
        >>> find_layout("half-sbs").suffixes
        ('_LR',)
    """
    if name not in LAYOUTS:
        raise UserError(f"unknown layout '{name}': {nearest(name, LAYOUTS)}.")
    return LAYOUTS[name]


def layout_of(file: PurePath | None) -> Layout:
    """Returns the layout that a file's ending asks for (.mpo, .jps, .gif), else side by side.

    Example:
        >>> layout_of(PurePath("photo.JPS")).name, layout_of(PurePath("photo.png")).name, layout_of(None).name
        ('jps', 'sbs', 'sbs')
    """
    asked = {".mpo": "mpo", ".jps": "jps", ".gif": "wiggle"}
    return LAYOUTS[asked.get("" if file is None else file.suffix.lower(), "sbs")]


def stereo_mode(layout: Layout, glasses: AnaglyphMethod = METHODS[GLASSES]) -> int | None:
    """Returns Matroska's StereoMode of a film in this layout; an anaglyph's depends on its method.

    Example:
        >>> stereo_mode(LAYOUTS["cross"]), stereo_mode(LAYOUTS["anaglyph"]), stereo_mode(LAYOUTS["left"])
        (11, 10, None)
    """
    if layout.name == "anaglyph":
        return {"red-cyan": 10, "green-magenta": 12}.get(glasses.colors)
    return layout.stereo_mode


def arrange(
    layout: Layout,
    left: Pixels,
    right: Pixels,
    disparity: NDArray[np.float32] | None = None,
    confidence: NDArray[np.float32] | None = None,
    glasses: AnaglyphMethod = METHODS[GLASSES],
) -> list[Pixels]:
    """Returns the pictures of a layout: two for `pair`, `mpo` and `wiggle` (left, right), else one.

    Views keep their size and depth, but for the halves, and for the anaglyph, which has 8 bits.

    Args:
        layout: Which.
        left: `(H, W, 3)` uint8 or uint16 RGB.
        right: Likewise.
        disparity: `(2, H, W)` px of left and right; only `disparity` needs it.
        confidence: `(2, H, W)` in [0, 1]; only `confidence` needs it.
        glasses: Method of the anaglyph.

    Raises:
        UserError: The layout shows a map that there is none of.

    Example:
        >>> left, right = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6, 3), np.uint8)
        >>> {name: arrange(LAYOUTS[name], left, right)[0].shape[:2] for name in ("sbs", "half-sbs", "tb")}
        {'sbs': (4, 12), 'half-sbs': (4, 6), 'tb': (8, 6)}
        >>> arrange(LAYOUTS["jps"], left, right)[0][0, 0].tolist()
        [1, 1, 1]
    """
    if layout.name in {"disparity", "confidence"}:
        maps = disparity if layout.name == "disparity" else confidence
        if maps is None:
            remedy = "name one that matches with ", MODEL
            raise UserError("the network has no such map", where=f"layout '{layout.name}'", remedy=remedy)
        joined = np.concatenate(maps, axis=1)
        return [
            joined if layout.name == "disparity" else np.rint(255 * joined).astype(np.uint8)[..., None].repeat(3, 2)
        ]
    if layout.name == "anaglyph":
        return [form(eight_bit(left), eight_bit(right), glasses)]
    if layout.name in {"left", "right"}:
        return [left if layout.name == "left" else right]
    views = [right, left] if layout.crossed else [left, right]
    if layout.axis is None:
        return views
    return [np.concatenate([_halved(view, layout.axis) if layout.halved else view for view in views], axis=layout.axis)]


def split(layout: Layout, joined: Pixels, name: str = "the picture") -> tuple[Pixels, Pixels]:
    """Returns left and right view of a picture in a layout that joins them: the inverse of `arrange`.

    Views of half the size are enlarged.

    Raises:
        UserError: The layout joins no views, or they cannot be of one size.

    Example:
        >>> left, right = np.zeros((4, 6, 3), np.uint8), np.ones((4, 6, 3), np.uint8)
        >>> all(split(one, arrange(one, left, right)[0])[1].all() for one in LAYOUTS.values() if one.axis is not None)
        True
    """
    if layout.axis is None:
        raise UserError(f"layout '{layout.name}' joins no views", where=name, remedy="name one that does, such as sbs")
    side = joined.shape[layout.axis]
    if side % 2:
        what, remedy = (("wide", "column"), ("high", "row"))[layout.axis == 0]
        raise UserError(f"{side} px {what}; of two views it is even", where=name, remedy=f"cut a {remedy} off")
    first, second = (np.ascontiguousarray(view) for view in np.split(joined, 2, axis=layout.axis))
    if layout.halved:
        size = [first.shape[1], first.shape[0]]
        size[1 - layout.axis] *= 2
        first, second = (cv2.resize(view, size, interpolation=cv2.INTER_CUBIC) for view in (first, second))
    return (second, first) if layout.crossed else (first, second)


def _halved(view: Pixels, axis: int) -> Pixels:
    size = [view.shape[1], view.shape[0]]
    size[1 - axis] = -(-size[1 - axis] // 2)
    return cv2.resize(view, size, interpolation=cv2.INTER_AREA)
