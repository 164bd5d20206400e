"""Which numbers of a film are which colours: matrix, range, primaries and transfer, as ITU-T H.273 numbers them."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from restereo.image import Picture

UNSPECIFIED = 2
LIMITED, FULL = 1, 2
SWSCALE = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""swscale's matrix of each of H.273's: BT.709, FCC, BT.601 twice, SMPTE 240M, BT.2020 twice."""
HDR = {16: "PQ", 18: "HLG"}
"""Transfers of high dynamic range by H.273's numbers."""
HD_WIDTH, HD_HEIGHT = 1280, 576
"""Untagged films wider or higher than this are taken for BT.709, others for BT.601, as players do."""


@dataclass(frozen=True)
class Colour:
    """How YUV stands for RGB.

    Attributes:
        matrix: H.273 matrix coefficients, never unspecified.
        range: `LIMITED` or `FULL`.
        primaries: H.273 number, 2 = the file does not say.
        transfer: Likewise.
    """

    matrix: int
    range: int
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED


def colour_of(frame: Any) -> Colour:
    """Returns the colour of a decoded frame (`av.VideoFrame`); what its file leaves open is settled as players do it.

    Example:
        >>> import av
        >>> colour_of(av.VideoFrame(1920, 1080, "yuv420p")), colour_of(av.VideoFrame(640, 480, "yuvj420p"))
        (Colour(matrix=1, range=1, primaries=2, transfer=2), Colour(matrix=6, range=2, primaries=2, transfer=2))
    """
    matrix, form = int(frame.colorspace), frame.format.name
    if matrix not in SWSCALE:
        matrix = 1 if frame.width >= HD_WIDTH or frame.height > HD_HEIGHT else 6
    full = int(frame.color_range) == FULL or form.startswith("yuvj")
    return Colour(matrix, FULL if full else LIMITED, int(frame.color_primaries), int(frame.color_trc))


def losses(frame: Any) -> list[str]:
    """Returns what of a decoded frame the result, 8 bits of red, green and blue, does not keep, in words.

    Example:
        >>> import av
        >>> losses(av.VideoFrame(4, 4, "yuva420p")), losses(av.VideoFrame(4, 4, "yuv420p10le"))
        (['its transparency is dropped'], ['10 bits a channel become 8'])
    """
    components, transfer = frame.format.components, int(frame.color_trc)
    depth = max(one.bits for one in components)
    notes = [f"{depth} bits a channel become 8"] if depth > 8 else []
    if transfer in HDR:
        notes += [f"HDR ({HDR[transfer]}) is kept as it is coded, not toned down: without its 10 bits, skies may band"]
    return notes + (["its transparency is dropped"] if any(one.is_alpha for one in components) else [])


def to_rgb(frame: Any, colour: Colour) -> Picture:
    """Returns the frame as `(H, W, 3)` uint8 RGB.

    Example:
        >>> import av
        >>> grey = np.full((6, 4), 128, np.uint8)  # a 4x4 frame: Y, then U and V at a quarter of the size
        >>> frame = av.VideoFrame.from_ndarray(grey, "yuv420p")
        >>> to_rgb(frame, Colour(matrix=1, range=FULL))[0, 0].tolist()
        [128, 128, 128]
    """
    known: dict[str, Any] = {}
    if not frame.format.is_rgb:
        known = {"src_colorspace": SWSCALE[colour.matrix], "src_color_range": colour.range}
    rgb = frame.reformat(format="rgb24", dst_color_range=FULL, interpolation=_careful(), **known)
    return np.ascontiguousarray(rgb.to_ndarray())


def from_rgb(picture: Picture, layout: str, colour: Colour) -> Any:
    """Returns an `av.VideoFrame` in the pixel format `layout`, such as yuv420p.

    Example:
        >>> from_rgb(np.zeros((4, 4, 3), np.uint8), "yuv420p", Colour(1, LIMITED)).to_ndarray()[0, 0]
        np.uint8(16)
    """
    import av

    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
    known = {"dst_colorspace": SWSCALE[colour.matrix], "dst_color_range": colour.range}
    made = frame.reformat(format=layout, src_color_range=FULL, interpolation=_careful(), **known)
    made.colorspace, made.color_range = colour.matrix, colour.range
    made.color_primaries, made.color_trc = colour.primaries, colour.transfer
    return made


def _careful() -> Any:
    """Chroma interpolated and sums rounded; swscale's defaults take the nearest chroma and cut."""
    from av.video.reformatter import Interpolation as Flag

    return reduce(or_, (Flag.BICUBIC, Flag.ACCURATE_RND, Flag.FULL_CHR_H_INT, Flag.FULL_CHR_H_INP, Flag.BITEXACT))
