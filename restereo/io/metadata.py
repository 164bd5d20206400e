"""What a picture's file says beside its pixels, carried over to what is made of it."""

from dataclasses import dataclass
from typing import Final

from PIL import ExifTags, Image

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


@dataclass(frozen=True)
class Metadata:
    """What is kept of a file.

    Attributes:
        exif: Tags of the main directory, by number; without orientation, thumbnail and layout of the pixels.
        details: Tags of the Exif directory.
        gps: Tags of the GPS directory.
        icc: ICC profile of RGB pixels, or nothing.
        dpi: Resolution, or None.
    """

    exif: tuple[tuple[int, object], ...] = ()
    details: tuple[tuple[int, object], ...] = ()
    gps: tuple[tuple[int, object], ...] = ()
    icc: bytes = b""
    dpi: tuple[float, float] | None = None

    def exif_for(self, width: int, height: int, maker_note: bool = True) -> Image.Exif | None:
        """Returns the tags for an upright picture of this size, or None if nothing was said of its source.

        Args:
            width: In px.
            height: In px.
            maker_note: Whether to keep the camera maker's own block, which may be large.

        Example:
            >>> Metadata().exif_for(2, 1) is None
            True
            >>> sorted(dict(Metadata(exif=((271, "Fuji"),)).exif_for(2, 1)).items())
            [(271, 'Fuji'), (274, 1), (34665, {40962: 2, 40963: 1})]
        """
        if not (self.exif or self.details or self.gps):
            return None
        tags = Image.Exif()
        for tag, value in self.exif:
            tags[tag] = value
        details = {tag: value for tag, value in self.details if maker_note or tag != MAKER_NOTE}
        tags[ORIENTATION] = 1
        tags[EXIF_IFD] = details | {WIDTH_TAG: width, HEIGHT_TAG: height}
        if self.gps:
            tags[GPS_IFD] = dict(self.gps)
        return tags


def metadata_of(image: Image.Image) -> tuple[Metadata, list[str]]:
    """Returns what can be kept of an opened picture, and a sentence on each thing that cannot.

    Example:
        >>> metadata_of(Image.new("RGB", (2, 2)))
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
        written = full.exif_for(1, 1)
        if written is not None:
            written.tobytes()
    except Exception as error:  # Pillow raises whatever a damaged tag led it to
        return found, [*notes, f"its EXIF is damaged and was left out ({' '.join(str(error).split()):.80})"]
    return full, notes
