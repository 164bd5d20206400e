"""TIFF with 8 or 16 bits a channel and metadata: Pillow writes no 16-bit colour, OpenCV no tags."""

import zlib
from typing import Final

import numpy as np
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from restereo.image import Metadata, Pixels
from restereo.io.metadata import EXIF_IFD, GPS_IFD, exif_for

STRIP: Final = 2**20
"""Bytes of a strip before it is compressed, about."""
INCH: Final = 2


def encode_tiff(picture: Pixels, metadata: Metadata) -> bytes:
    r"""Returns a deflated TIFF file of an `(H, W, 3)` uint8 or uint16 RGB picture.

    Example:
        >>> encode_tiff(np.zeros((2, 2, 3), np.uint16), Metadata())[:4]
        b'II*\x00'
    """
    height, width = picture.shape[:2]
    rows = max(1, STRIP // (width * 3 * picture.itemsize))
    strips = [_deflated(picture[top : top + rows]) for top in range(0, height, rows)]
    tags = ImageFileDirectory_v2(b"II*\0\0\0\0\0")
    for tag, value in (exif_for(metadata, width, height) or {}).items():
        tags[tag] = value
    depth = picture.itemsize * 8
    stored = {254: 0, 256: width, 257: height, 258: (depth,) * 3, 259: 8, 262: 2, 277: 3, 278: rows, 284: 1, 317: 2}
    for tag, value in stored.items():
        tags[tag] = value
    for tag in (273, 279):  # offsets and sizes of strips may pass 65,535
        tags.tagtype[tag] = 4
    tags[273] = tuple(int(place) for place in np.cumsum([0, *(len(strip) for strip in strips[:-1])]))
    tags[279] = tuple(len(strip) for strip in strips)
    if metadata.icc:
        tags.tagtype[34675] = 7
        tags[34675] = metadata.icc
    if metadata.dpi:
        tags[282], tags[283], tags[296] = *metadata.dpi, INCH
    for tag in (EXIF_IFD, GPS_IFD):
        if tag in tags:
            tags.tagtype[tag] = 4
    directory = tags.tobytes(8)
    return b"".join([b"II*\0\x08\0\0\0", directory, *strips])


def _deflated(rows: Pixels) -> bytes:
    """Differences to the left neighbour (predictor 2), which deflate well."""
    values = rows.astype(f"<u{rows.itemsize}")
    values[:, 1:] -= rows[:, :-1]
    return zlib.compress(values.tobytes(), 6)
