"""What a file says of the two views that it holds, by its format's own signs: MPO, JPS, HEIF groups, animations."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image

from restereo.image import Stereo, is_grey
from restereo.imaging.detection import likeness_of

ENTRIES: Final = 0xB002
"""MPF tag that lists a file's pictures (CIPA DC-007, 5.2.3)."""
DISPARITY, UNDEFINED = "Multi-Frame Image: (Disparity)", "Undefined"
"""MP types, as Pillow names them."""
GAIN_MAP: Final = b"hdrgm:", b"urn:iso:std:iso:ts:21496"
"""What a gain map's own head has: Adobe's XMP, or ISO 21496-1."""
HEAD: Final = 2**16
JPS: Final = b"_JPSJPS_"
JPS_LAYOUTS: Final = {(2, False): "sbs", (2, True): "half-sbs", (3, False): "tb", (3, True): "half-tb"}
"""Layouts of our own by (layout byte, whether it is halved) of a JPS file."""
HALVED, LEFT_FIRST = {2: 2, 3: 1}, 4
"""Flags of a JPS file: which one says halved, by layout; and that the left view comes first."""
LEAST_SIDE: Final = 32
"""Of pictures, in px, whose content tells whether they are views of one scene."""

ALIKE: Final = 0.4
"""Likeness of two pictures from which they are views of one scene (11 benchmark pairs: .47 and more)."""


def stereo_of(image: PIL.Image.Image, path: Path) -> tuple[Stereo | None, list[str]]:
    """Returns how an opened file holds two views, None if it does not, and notes on other pictures in it.

    Args:
        image: As Pillow opened it; it ends at another frame than it began.
        path: Of the file, for what only its name tells.

    Example:
        >>> stereo_of(PIL.Image.new("RGB", (2, 2)), Path("a.png"))
        (None, [])
    """
    frames = getattr(image, "n_frames", 1)
    if image.format == "MPO":
        return _of_mpo(image, frames)
    if image.format == "HEIF":
        groups = [group["images"] for group in image.info.get("entity_groups", []) if group["type"] == "ster"]
        if groups and len(groups[0]) == 2:
            return Stereo("a spatial photo that holds both views", frames=tuple(groups[0])), []
        return None, [f"of its {frames} pictures the primary one was taken"] if frames > 1 else []
    if frames == 2 and _two_views(image, (0, 1)):
        return Stereo("an animation that shows both views in turn", frames=(0, 1)), []
    notes = ["it has several frames, of which only the first was taken"] if frames > 1 else []
    tag = next((data for name, data in getattr(image, "applist", []) if name == "APP3" and data.startswith(JPS)), b"")
    if tag or path.suffix.lower() in {".jps", ".pns"}:
        return _of_jps(tag), notes
    return None, notes


def _of_jps(tag: bytes) -> Stereo | None:
    """Of VRex' descriptor: separation, flags, layout, type; without one, right and left side by side, as it is told."""
    _, flags, layout, kind = tag[10:14] if len(tag) >= 14 else (0, 0, 2, 1)
    name = JPS_LAYOUTS.get((layout, bool(flags & HALVED.get(layout, 0))))
    if kind != 1 or name is None:  # one view, interleaved rows, or an anaglyph
        return None
    where = "side by side" if layout == 2 else "one above the other"
    return Stereo(f"a stereo picture that holds both views {where}", layout=name, swapped=not flags & LEFT_FIRST)


def _of_mpo(image: Any, frames: int) -> tuple[Stereo | None, list[str]]:
    """Entries marked as disparity are views; unmarked ones if they look so, as those that Pillow writes."""
    kinds = [entry["Attribute"]["MPType"] for entry in image.mpinfo[ENTRIES]]
    views = [number for number, kind in enumerate(kinds) if kind == DISPARITY]
    pair = (views[0], views[1]) if len(views) > 1 else (0, 1)
    others = [kind for kind in kinds[1:] if "Thumbnail" not in kind]
    if len(views) < 2 and (frames < 2 or kinds[1] not in {UNDEFINED, DISPARITY}):
        return None, [f"another picture in it was left out ({others[0]})"] if others else []
    try:
        is_pair = not _is_gain_map(image, pair[1]) and _two_views(image, pair, certain=len(views) > 1)
    except Exception as error:  # what a second picture that is no picture leads Pillow to
        return None, [f"says that it holds {frames} pictures, but only the first can be read ({error!s:.80})"]
    if not is_pair:
        return None, ["another picture in it, no second view of the scene, was left out"]
    more = [f"of its {len(kinds)} pictures two were taken"] if len(kinds) > 2 else []
    return Stereo("a stereo picture (MPO) that holds both views", frames=pair), more


def _is_gain_map(image: Any, frame: int) -> bool:
    """Returns whether a picture of an MPO file says so itself."""
    image.seek(frame)
    image.fp.seek(image.offset)
    head = image.fp.read(HEAD)
    return any(sign in head for sign in GAIN_MAP)


def _two_views(image: Any, pair: tuple[int, int], certain: bool = False) -> bool:
    """Returns whether two pictures of a file can be views of one scene: of one size, no gain map, and alike."""
    shown = []
    for frame in pair:
        image.seek(frame)
        shown.append(np.asarray(image.convert("RGB")))
    if shown[0].shape != shown[1].shape:
        return False
    if certain:
        return True
    if is_grey(shown[1]) and not is_grey(shown[0]):  # a gain map
        return False
    return min(shown[0].shape[:2]) < LEAST_SIDE or likeness_of(shown[0], shown[1]) >= ALIKE
