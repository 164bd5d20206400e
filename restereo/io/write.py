"""From pixels and metadata to files in the format of their ending, written whole or not at all."""

import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import PIL.Image

from restereo.errors import OUT, UserError
from restereo.image import NO_METADATA, Image, Metadata, Pixels, eight_bit
from restereo.io import stereo_jpeg
from restereo.io.atomic import replacing
from restereo.io.defaults import QUALITY
from restereo.io.layouts import Layout
from restereo.io.metadata import exif_for
from restereo.io.tiff import encode_tiff

WIGGLE_MS: Final = 130
"""Milliseconds that a wiggling picture shows each view."""
LONGEST: Final = {".jpg": 65_500, ".jps": 65_500, ".mpo": 65_500, ".webp": 16_383, ".gif": 65_535}
"""Px of a side that a format can hold."""
SYNONYMS: Final = {".jpeg": ".jpg", ".jfif": ".jpg", ".jpe": ".jpg", ".tiff": ".tif"}
LARGEST_SEGMENT: Final = 65_533
DEEP, EXIF, ICC, DPI, COMMENT = "16 bits", "EXIF", "ICC profile", "resolution", "comment"
_JPEG: Final = frozenset([EXIF, ICC, DPI, COMMENT])
KEEPS: Final = {
    ".png": frozenset([DEEP, EXIF, ICC, DPI]),
    ".tif": frozenset([DEEP, EXIF, ICC, DPI]),
    ".webp": frozenset([EXIF, ICC]),
    **dict.fromkeys([".jpg", ".mpo", ".jps"], _JPEG),
}
"""What files keep of their source beside 8 bits a channel; others keep nothing."""
ANIMATED: Final = {".png": frozenset([ICC]), ".webp": frozenset([ICC])}
"""Likewise of animations."""
WRITABLE: Final = frozenset([".png", ".jpg", ".webp", ".tif", ".bmp", ".mpo", ".jps", ".gif", ".pfm", *SYNONYMS])
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
        remedy = "write .png or .tif, or another layout"
        raise UserError(f"{size} px, and '{kind}' ends at {longest}", remedy=remedy)
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
        raise UserError(f"'{ending}' is {what}", remedy=f"end the name in {', '.join(sorted(able))}")


def _opencv(picture: Pixels, kind: str) -> bytes:
    ordered = picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])
    _, encoded = cv2.imencode(kind, ordered)
    return encoded.tobytes()


def _pillow(picture: Pixels, kind: str, metadata: Metadata, **options: Any) -> bytes:
    exif = exif_for(metadata, picture.shape[1], picture.shape[0])
    kept: dict[str, Any] = {"exif": exif.tobytes()} if exif else {}
    if metadata.icc:
        kept["icc_profile"] = metadata.icc
    stream = io.BytesIO()
    PIL.Image.fromarray(picture).save(stream, kind, **kept, **options)
    return stream.getvalue()


def _jpeg(picture: Pixels, metadata: Metadata, quality: int) -> bytes:
    exif = _short_exif(metadata, picture.shape[1], picture.shape[0])[0]
    kept: dict[str, Any] = {"exif": exif} if exif else {}
    if metadata.icc:
        kept["icc_profile"] = metadata.icc
    if metadata.dpi:
        kept["dpi"] = tuple(min(65_535, round(x)) for x in metadata.dpi)
    if metadata.comment:
        kept["comment"] = metadata.comment[:LARGEST_SEGMENT]
    stream = io.BytesIO()
    PIL.Image.fromarray(eight_bit(picture)).save(stream, "JPEG", quality=quality, subsampling=0, **kept)
    return stream.getvalue()


def _short_exif(metadata: Metadata, width: int, height: int) -> tuple[bytes, list[str]]:
    """Returns EXIF that a segment of a JPEG file can hold, and the name of what was left out for that."""
    for maker_note, lost in ((True, []), (False, ["maker note"])):
        exif = exif_for(metadata, width, height, maker_note)
        content = b"" if exif is None else exif.tobytes()
        if len(content) <= LARGEST_SEGMENT:
            return content, lost
    return b"", [EXIF]


def _animation(views: list[Pixels], kind: str, metadata: Metadata) -> bytes:
    """Both views in turn, for ever; a GIF's 256 colours are chosen for both, so that only what moves changes."""
    frames = [PIL.Image.fromarray(view) for view in views]
    stream = io.BytesIO()
    if kind == ".gif":
        palette = PIL.Image.fromarray(np.concatenate(views)).quantize(256, PIL.Image.Quantize.MEDIANCUT)
        frames = [frame.quantize(palette=palette, dither=PIL.Image.Dither.FLOYDSTEINBERG) for frame in frames]
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
    exif = exif_for(metadata, picture.shape[1], picture.shape[0])
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


def write_picture(file: Path, picture: Pixels, metadata: Metadata = NO_METADATA, quality: int = QUALITY) -> None:
    """Writes an `(H, W, 3)` RGB picture or `(H, W)` map whole or not at all, in the format of the file's ending.

    Raises:
        UserError: The ending is not one of a picture, the format cannot hold it, or it cannot be written there.
    """
    _write(file, _encoded(file, [picture], metadata, quality))


def write_layout(
    files: Sequence[Path],
    layout: Layout,
    pictures: Sequence[Pixels],
    metadata: Metadata = NO_METADATA,
    quality: int = QUALITY,
) -> None:
    """Writes the pictures that `layouts.arrange` made into the layout's files: one each, or both in one.

    Nothing is written before all is encoded.

    Raises:
        UserError: See `write_picture`.
    """
    parts = [[picture] for picture in pictures] if len(layout.suffixes) == len(pictures) else [list(pictures)]
    encoded = [_encoded(file, part, metadata, quality) for file, part in zip(files, parts, strict=True)]
    for file, content in zip(files, encoded, strict=True):
        _write(file, content)


def not_kept(files: Sequence[Path], image: Image, layout: Layout | None = None, bits: int = 16) -> list[str]:
    """Returns notes on what the files written of a picture cannot hold of it.

    Args:
        files: What was written.
        image: What was read.
        layout: In which; None = one picture in each file.
        bits: A channel of what was written, if the format can hold them.

    Example:
        >>> deep = Image(np.zeros((2, 3, 3), np.uint16))
        >>> not_kept([Path("a.jpg")], deep), not_kept([Path("a.png")], deep)
        (['a.jpg: cut to 8 bits a channel, its source has 16'], [])
    """
    name = "" if layout is None else layout.name
    if name in {"disparity", "confidence"}:
        return []
    said = image.metadata
    told = {EXIF: said.exif or said.details or said.gps, ICC: said.icc, DPI: said.dpi, COMMENT: said.comment}
    cut, left_out = [], dict[str, list[str]]()
    for file in files:
        kind = SYNONYMS.get(file.suffix.lower(), file.suffix.lower())
        keeps = (ANIMATED if name == "wiggle" else KEEPS).get(kind, frozenset())
        if image.bits > 8 and (bits == 8 or name == "anaglyph" or DEEP not in keeps):
            cut.append(file.name)
        lost = [what for what, value in told.items() if value and what not in keeps]
        lost += _short_exif(said, image.width, image.height)[1] if keeps is _JPEG else []
        if lost:
            left_out.setdefault(", ".join(lost), []).append(file.name)
    notes = [f"{', '.join(cut)}: cut to 8 bits a channel, its source has 16"] if cut else []
    return notes + [f"{', '.join(names)}: holds no {what}, left out" for what, names in left_out.items()]


def check_target(file: Path, able: Collection[str] = WRITABLE) -> None:
    """Raises `UserError` unless a picture can be written under this name: before any work is done on it.

    Args:
        file: The name.
        able: Endings of files that can hold the picture.
    """
    with _named(file):
        check_ending(file.suffix, able)
    check_place(file)


def check_place(file: Path) -> None:
    """Raises `UserError` unless a file can be made there, and no folder has its name: before any work is done on it."""
    try:
        missing, folder = not file.parent.is_dir(), file.is_dir()
    except OSError as error:  # such as a name that is too long
        raise UserError(f"cannot be written ({error.strerror})", where=file, remedy="name another place") from error
    if missing:
        raise UserError("no such folder", where=file, remedy=f"make '{file.parent}' first")
    if folder:
        raise UserError("a folder of this name is in the way", where=file, remedy="name another file")
    if reason := _refusal(file.parent):
        raise UserError(f"cannot be written ({reason})", where=file, remedy=("name another place with ", OUT))


def make_folder(folder: Path) -> None:
    """Makes a folder for results, with those above it.

    Raises:
        UserError: It cannot be made, or nothing can be written into it.
    """
    elsewhere = "name another place with ", OUT
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:  # a file is in the way, or the place is read-only
        reason = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise UserError(f"no folder can be made here ({reason})", where=folder, remedy=elsewhere) from None
    if reason := _refusal(folder):
        raise UserError(f"a folder that cannot be written into ({reason})", where=folder, remedy=elsewhere)


def _refusal(folder: Path) -> str:
    """Returns why no file can be made in a folder, or nothing; only trying tells, of a read-only or full disk too."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Errors in the block are about this file."""
    try:
        yield
    except UserError as error:
        raise UserError(error.what, where=file, remedy=error.remedy) from None


def _encoded(file: Path, pictures: Sequence[Pixels], metadata: Metadata, quality: int) -> bytes:
    with _named(file):
        return encode(pictures, file.suffix, metadata, quality)


def _write(file: Path, content: bytes) -> None:
    check_target(file)
    try:
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        remedy = "free space or name another place"
        raise UserError(f"cannot be written ({error.strerror})", where=file, remedy=remedy) from error
