"""From pixels and metadata to the bytes of a file, in the format of its ending."""

import io
import struct
import zlib
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import cv2
import numpy as np
from PIL import Image

from restereo.errors import UserError
from restereo.io import stereo_jpeg
from restereo.io.defaults import QUALITY
from restereo.io.layouts import Pixels, eight_bit
from restereo.io.metadata import Metadata
from restereo.io.tiff import encode_tiff

WIGGLE_MS: Final = 130
"""Milliseconds that a wiggling picture shows each view."""
LONGEST: Final = {".jpg": 65_500, ".jps": 65_500, ".mpo": 65_500, ".webp": 16_383, ".gif": 65_535}
"""Px of a side that a format can hold."""
SYNONYMS: Final = {".jpeg": ".jpg", ".tiff": ".tif"}
LARGEST_SEGMENT: Final = 65_533
WRITABLE: Final = frozenset([".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".mpo", ".jps", ".gif", ".pfm"])
PLAIN: Final = WRITABLE - {".mpo", ".jps", ".pfm"}
"""Endings of files that hold one picture and say nothing of two views."""


def encode(pictures: Sequence[Pixels], ending: str, metadata: Metadata, quality: int = QUALITY) -> bytes:
    """Returns the bytes of a file.

    Args:
        pictures: One `(H, W, 3)` uint8 or uint16 RGB picture, or `(H, W)` float32 map; two make an MPO file or an
            animation. uint16 is rounded to 8 bits where the format has no more.
        ending: Of the file, such as `.png`.
        metadata: To embed where the format can.
        quality: Of JPEG files.

    Raises:
        UserError: The format cannot hold it.

    Example:
        >>> encode([np.zeros((2, 2, 3), np.uint8)], ".png", Metadata())[1:4]
        b'PNG'
    """
    check_ending(ending)
    kind = SYNONYMS.get(ending.lower(), ending.lower())
    picture = pictures[0]
    longest = LONGEST.get(kind)
    if longest is not None and max(picture.shape[:2]) > longest:
        size = f"{picture.shape[1]}x{picture.shape[0]}"
        raise UserError(f"{size} px, and '{kind}' ends at {longest}; write .png or .tif, or another layout.")
    if picture.dtype == np.float32:
        return _opencv(picture, kind)
    if len(pictures) > 1 and kind != ".mpo":
        return _animation([eight_bit(view) for view in pictures], kind, metadata)
    if len(pictures) == 1 and kind in {".mpo", ".pfm"}:
        check_ending(ending, PLAIN)
    return _ENCODERS[kind](pictures, metadata, quality)


def check_ending(ending: str, able: Collection[str] = WRITABLE) -> None:
    """Raises `UserError` unless files of this ending can be written, and are among those able to hold the picture.

    Example:
        >>> check_ending(".PNG")
    """
    kind = ending.lower()
    if kind not in WRITABLE or kind not in able:
        what = "no format for this picture" if kind in WRITABLE else "no format to write"
        raise UserError(f"'{ending}' is {what}; end the name in {', '.join(sorted(able))}.")


def _opencv(picture: Pixels, kind: str) -> bytes:
    ordered = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])
    _, encoded = cv2.imencode(kind, ordered)
    return encoded.tobytes()


def _pillow(picture: Pixels, kind: str, metadata: Metadata, **options: Any) -> bytes:
    exif = metadata.exif_for(picture.shape[1], picture.shape[0])
    kept: dict[str, Any] = {"exif": exif.tobytes()} if exif else {}
    if metadata.icc:
        kept["icc_profile"] = metadata.icc
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, kind, **kept, **options)
    return stream.getvalue()


def _jpeg(picture: Pixels, metadata: Metadata, quality: int) -> bytes:
    exif = metadata.exif_for(picture.shape[1], picture.shape[0])
    if exif is not None and len(exif.tobytes()) > LARGEST_SEGMENT:
        exif = metadata.exif_for(picture.shape[1], picture.shape[0], maker_note=False)
    if exif is not None and len(exif.tobytes()) > LARGEST_SEGMENT:
        exif = None
    kept: dict[str, Any] = {"exif": exif.tobytes()} if exif else {}
    if metadata.icc:
        kept["icc_profile"] = metadata.icc
    if metadata.dpi:
        kept["dpi"] = tuple(min(65_535, round(x)) for x in metadata.dpi)
    stream = io.BytesIO()
    Image.fromarray(eight_bit(picture)).save(stream, "JPEG", quality=quality, subsampling=0, **kept)
    return stream.getvalue()


def _animation(views: list[Pixels], kind: str, metadata: Metadata) -> bytes:
    """Both views in turn, for ever; a GIF's 256 colours are chosen for both, so that only what moves changes."""
    frames = [Image.fromarray(view) for view in views]
    stream = io.BytesIO()
    if kind == ".gif":
        palette = Image.fromarray(np.concatenate(views)).quantize(256, Image.Quantize.MEDIANCUT)
        frames = [frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
    options: dict[str, Any] = {"lossless": True} if kind == ".webp" else {}
    if metadata.icc and kind != ".gif":
        options["icc_profile"] = metadata.icc
    form = {".gif": "GIF", ".webp": "WEBP", ".png": "PNG"}[kind]
    frames[0].save(stream, form, save_all=True, append_images=frames[1:], duration=WIGGLE_MS, loop=0, **options)
    return stream.getvalue()


def _png(picture: Pixels, metadata: Metadata) -> bytes:
    """Puts profile, resolution and EXIF behind a PNG file's first chunk, where they must stand (PNG 3, 5.6)."""
    png = _opencv(picture, ".png")
    chunks = []
    if metadata.icc:
        chunks.append((b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        chunks.append((b"pHYs", struct.pack(">LLB", *(round(x / 0.0254) for x in metadata.dpi), 1)))
    exif = metadata.exif_for(picture.shape[1], picture.shape[0])
    if exif is not None:
        chunks.append((b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    extra = b"".join(
        struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data)) for name, data in chunks
    )
    first_end = 8 + 12 + 13  # signature, IHDR
    return png[:first_end] + extra + png[first_end:]


_ENCODERS: Final[dict[str, Callable[[Sequence[Pixels], Metadata, int], bytes]]] = {
    ".png": lambda pictures, metadata, _: _png(pictures[0], metadata),
    ".jpg": lambda pictures, metadata, quality: _jpeg(pictures[0], metadata, quality),
    ".jps": lambda pictures, metadata, quality: stereo_jpeg.jps(_jpeg(pictures[0], metadata, quality)),
    ".mpo": lambda views, metadata, quality: stereo_jpeg.mpo(*(_jpeg(view, metadata, quality) for view in views)),
    ".webp": lambda pictures, metadata, _: _pillow(eight_bit(pictures[0]), "WEBP", metadata, lossless=True),
    ".tif": lambda pictures, metadata, _: encode_tiff(pictures[0], metadata),
    ".bmp": lambda pictures, _, __: _opencv(eight_bit(pictures[0]), ".bmp"),
    ".gif": lambda pictures, metadata, _: _pillow(eight_bit(pictures[0]), "GIF", Metadata()),
}
