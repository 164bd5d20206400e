"""What a picture's file says beside its pixels, carried over to what is made of it."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import PIL.Image
from PIL import ExifTags, ImageCms

from restereo.image import Metadata

ORIENTATION: Final = 0x0112
EXIF_IFD: Final = int(ExifTags.IFD.Exif)
GPS_IFD: Final = int(ExifTags.IFD.GPSInfo)
WIDTH_TAG, HEIGHT_TAG, MAKER_NOTE = 0xA002, 0xA003, 0x927C
_STORAGE = "254-259 262-266 273 277-281 284 292 293 301 317 320 322-325 330 338 339 347 512-514 529-532"
_APART = "700 34377 34665 34675 34853 42112 42113"
STRUCTURAL: Final = frozenset(
    tag
    for part in f"{_STORAGE} {_APART}".split()
    for tag in range(int(part.split("-")[0]), int(part.split("-")[-1]) + 1)
)
"""TIFF tags that say how pixels are stored, or that are written apart: no part of what a photographer would keep."""


PHOTOSHOP, XMP = 34377, 700
"""TIFF tags of Photoshop's resources, IPTC among them, and of XMP."""
IPTC: Final = 0x0404
"""Photoshop's resource that holds IPTC."""
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
PER_INCH: Final = {2: 1.0, 3: 2.54}
"""Resolution units inch and centimetre (Exif 3.0, 4.6.5.1); 1 is none: the numbers are a pixel's proportions."""


class _Text(str):
    """Text of a tag, in the bytes that were read: Pillow 12.3 reads Latin-1, and would write '?' for all but ASCII."""

    def encode(self, *_: str) -> bytes:
        return super().encode("latin-1", "replace")


def exif_for(metadata: Metadata, width: int, height: int, maker_note: bool = True) -> PIL.Image.Exif | None:
    """Returns the tags for an upright picture of this size, or None if nothing was said of its source.

    Args:
        metadata: What was said.
        width: In px.
        height: In px.
        maker_note: Whether to keep the camera maker's own block, which may be large.

    Example:
        >>> exif_for(Metadata(), 2, 1) is None
        True
        >>> sorted(dict(exif_for(Metadata(exif=((271, "Fuji"),)), 2, 1)).items())
        [(271, 'Fuji'), (274, 1), (34665, {40962: 2, 40963: 1})]
    """
    if not (metadata.exif or metadata.details or metadata.gps):
        return None
    tags = PIL.Image.Exif()
    for tag, value in metadata.exif:
        tags[tag] = _written(value)
    details = {tag: _written(value) for tag, value in metadata.details if maker_note or tag != MAKER_NOTE}
    tags[ORIENTATION] = 1
    tags[EXIF_IFD] = details | {WIDTH_TAG: width, HEIGHT_TAG: height}
    if metadata.gps:
        tags[GPS_IFD] = {tag: _written(value) for tag, value in metadata.gps}
    return tags


def _written(value: object) -> object:
    return _Text(value) if isinstance(value, str) else value


def metadata_of(image: PIL.Image.Image) -> tuple[Metadata, list[str]]:
    """Returns what can be kept of an opened picture, and a sentence on each thing that cannot.

    Example:
        >>> metadata_of(PIL.Image.new("RGB", (2, 2)))
        (Metadata(exif=(), details=(), gps=(), icc=b'', dpi=None, comment=b''), [])
    """
    notes = []
    icc = image.info.get("icc_profile") or b""
    if not isinstance(icc, bytes) or (icc and icc[16:20] != b"RGB "):
        if image.mode != "CMYK":  # whose pixels it has converted
            notes.append("its ICC profile is not one of RGB colours and was left out")
        icc = b""
    comment = image.info.get("comment") or b""
    found = Metadata(icc=icc, comment=comment if isinstance(comment, bytes) else str(comment).encode())
    if lost := _left_out(image):
        notes.append(f"left out of what its file says: {', '.join(lost)}")
    try:
        tags = image.getexif()
        main = tuple((int(tag), value) for tag, value in tags.items() if tag not in STRUCTURAL | {ORIENTATION})
        details, gps = (tuple(tags.get_ifd(ifd).items()) for ifd in (EXIF_IFD, GPS_IFD))
        # what is a directory of its own there holds places in the old file
        details = tuple((tag, value) for tag, value in details if tag != int(ExifTags.IFD.Interop))
        full = replace(found, exif=main, details=details, gps=gps, dpi=_dpi(image, tags))
        written = exif_for(full, 1, 1)
        if written is not None:
            written.tobytes()
    except Exception as error:  # Pillow raises whatever a damaged tag led it to
        notes.append(f"its EXIF is damaged and was left out ({' '.join(str(error).split()):.80})")
        return replace(found, dpi=_dpi(image, {})), notes
    return full, notes


def _left_out(image: PIL.Image.Image) -> list[str]:
    """Returns the names of blocks that a file has beside EXIF, profile, resolution and comment."""
    tags = getattr(image, "tag_v2", {})
    iptc = PHOTOSHOP in tags or IPTC in (image.info.get("photoshop") or {})
    xmp = XMP in tags or "xmp" in image.info or "XML:com.adobe.xmp" in image.info
    text = [key for key in getattr(image, "text", {}) if not key.startswith(("XML:", "Raw profile"))]
    square = image.info.get("aspect") or (image.info.get("jfif_density") if image.info.get("jfif_unit") == 0 else None)
    shape = [f"pixels of {square[0]}:{square[1]}"] if square and 0 < min(square) < max(square) else []
    return ["IPTC"] * iptc + ["XMP"] * xmp + [f"text '{key}'" for key in text] + shape


def _dpi(image: PIL.Image.Image, tags: Mapping[int, Any]) -> tuple[float, float] | None:
    """Returns the resolution, if one is said: of JPEG with EXIF Pillow makes up 72, or 1 where the unit is none."""
    if image.format not in {"JPEG", "MPO"} or image.info.get("jfif_unit") in {1, 2}:
        dpi = image.info.get("dpi")
    else:
        dpi = None
    unit = PER_INCH.get(tags.get(RESOLUTION_UNIT, 2))
    if dpi is None and unit is not None and {X_RESOLUTION, Y_RESOLUTION} <= set(tags):
        dpi = tags[X_RESOLUTION] * unit, tags[Y_RESOLUTION] * unit
    plain = isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(x) < 1e5 for x in dpi)
    return (float(dpi[0]), float(dpi[1])) if plain and dpi is not None else None


def color_space_of(metadata: Metadata) -> str:
    """Returns the name of the RGB colours: that in the ICC profile, `sRGB` without one, `unknown` in a damaged one.

    Example:
        >>> color_space_of(Metadata()), color_space_of(Metadata(icc=b"no profile"))
        ('sRGB', 'unknown')
    """
    if not metadata.icc:
        return "sRGB"
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(metadata.icc))).strip()
    except (OSError, ImageCms.PyCMSError):
        return "unknown"
