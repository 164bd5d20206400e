"""What a picture's file says beside its pixels, carried over to what is made of it."""

import io
from typing import Final

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
        tags[tag] = value
    details = {tag: value for tag, value in metadata.details if maker_note or tag != MAKER_NOTE}
    tags[ORIENTATION] = 1
    tags[EXIF_IFD] = details | {WIDTH_TAG: width, HEIGHT_TAG: height}
    if metadata.gps:
        tags[GPS_IFD] = dict(metadata.gps)
    return tags


def metadata_of(image: PIL.Image.Image) -> tuple[Metadata, list[str]]:
    """Returns what can be kept of an opened picture, and a sentence on each thing that cannot.

    Example:
        >>> metadata_of(PIL.Image.new("RGB", (2, 2)))
        (Metadata(exif=(), details=(), gps=(), icc=b'', dpi=None), [])
    """
    notes = []
    icc = image.info.get("icc_profile") or b""
    if not isinstance(icc, bytes) or (icc and icc[16:20] != b"RGB "):
        notes.append("its ICC profile is not one of RGB colours and was left out")
        icc = b""
    dpi = image.info.get("dpi")
    plain = isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(x) < 1e5 for x in dpi)
    resolution = (float(dpi[0]), float(dpi[1])) if plain and dpi is not None else None
    found = Metadata(icc=icc, dpi=resolution)
    try:
        tags = image.getexif()
        main = tuple((int(tag), value) for tag, value in tags.items() if tag not in STRUCTURAL | {ORIENTATION})
        details, gps = (tuple(tags.get_ifd(ifd).items()) for ifd in (EXIF_IFD, GPS_IFD))
        # what is a directory of its own there holds places in the old file
        details = tuple((tag, value) for tag, value in details if tag != int(ExifTags.IFD.Interop))
        full = Metadata(main, details, gps, icc, resolution)
        written = exif_for(full, 1, 1)
        if written is not None:
            written.tobytes()
    except Exception as error:  # Pillow raises whatever a damaged tag led it to
        return found, [*notes, f"its EXIF is damaged and was left out ({' '.join(str(error).split()):.80})"]
    return full, notes


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
