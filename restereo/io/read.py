"""A picture as a person has it: all bits of its pixels, upright, with what its file says, or a sentence on why not."""

import io
import os
import stat
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageCms

from restereo.datasets.pictures import MAX_PIXELS, open_picture
from restereo.errors import UserError
from restereo.io.layouts import Pixels
from restereo.io.metadata import ORIENTATION, Metadata, metadata_of

ENDINGS = frozenset([".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff", ".webp", ".avif", ".gif"])
"""What is looked for in a folder."""


@dataclass(frozen=True)
class Photo:
    """An opened picture.

    Attributes:
        pixels: `(H, W, 3)` RGB, uint8, or uint16 if the file has 16 bits; upright.
        metadata: What else the file says.
        lossy: Whether it went through JPEG or lossy WebP, which mix the eyes' fine detail.
        stereo: What makes it a picture that holds both views already, in words, or nothing.
        notes: What could not be kept, in words.
    """

    pixels: Pixels
    metadata: Metadata
    lossy: bool
    stereo: str = ""
    notes: tuple[str, ...] = ()


def size_in_file(path: Path) -> tuple[int, int] | None:
    """Returns (width, height) as the file's head says, or None if it cannot be told; nothing is decoded.

    Example:
        >>> size_in_file(Path("nowhere.png")) is None
        True
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                return image.size
    except Exception:  # whatever it is, opening it says so in a sentence
        return None


def open_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Photo:
    """Returns the picture with its metadata; of several frames the first.

    EXIF orientation is applied. Grey becomes three equal channels, CMYK with a profile sRGB. Where there is alpha, the
    picture is laid on white. 16 bits stay 16 bits.

    Raises:
        UserError: It is missing, no regular file, empty, damaged, not a picture, or has more than `max_pixels`.

    Example:
        >>> import skimage
        >>> open_photo(Path(skimage.__file__).parent / "data" / "coffee.png").pixels.shape
        (400, 600, 3)
    """
    check_regular(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of what the notes say, or of what it then refuses
            return _photo(path, max_pixels)
    except UserError:
        raise
    except Exception as error:  # decoders raise whatever damaged bytes led them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: damaged ({reason:.120}); copy it again from its original.") from error


def photo_of(image: Image.Image, name: str, max_pixels: int = MAX_PIXELS) -> Photo:
    """Returns a picture that Pillow holds as `open_photo` would return its file; of 16 bits those that Pillow keeps.

    Args:
        image: Decoded if it is not yet.
        name: What an error sentence calls it.
        max_pixels: What it may have at most.

    Raises:
        UserError: Its file is damaged or closed, or it has more pixels.

    Example:
        >>> photo_of(Image.new("RGBA", (2, 1)), "the picture").pixels.tolist()
        [[[255, 255, 255], [255, 255, 255]]]
    """
    if image.width * image.height > max_pixels:
        raise UserError(
            f"{name}: {image.width * image.height:,} pixels, and {max_pixels:,} is the limit; scale it down."
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            pixels, notes = _pixels(image, None)
            shown = image.tell()
            stereo = _stereo(Path(str(getattr(image, "filename", ""))), image)
            if image.tell() != shown:  # it is not ours
                image.seek(shown)
            upright = turned(pixels, 1 if image.format == "TIFF" else _orientation(image))
    except Exception as error:  # as in `open_photo`
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{name}: damaged or closed ({reason:.120}); open its file again.") from error
    return Photo(upright, Metadata(), image.format in {"JPEG", "MPO", "AVIF"}, stereo, tuple(notes))


def check_regular(path: Path) -> None:
    """Raises `UserError` unless there is a file that can be read to its end: opening a pipe would wait for ever.

    Example:
        >>> check_regular(Path("/dev/null"))
        Traceback (most recent call last):
        restereo.errors.UserError: /dev/null: no regular file; name a picture's or film's file.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path}: no such file; check the name.") from None
    except OSError as error:  # such as a folder that may not be entered
        raise UserError(f"{path}: cannot be read ({error.strerror}); check the name.") from None
    if not stat.S_ISREG(mode):
        raise UserError(f"{path}: no regular file; name a picture's or film's file.")


def _photo(path: Path, max_pixels: int) -> Photo:
    image = open_picture(path, max_pixels)
    with Image.open(path) as again:  # tags must be read while the file is open
        metadata, notes = metadata_of(again)
        orientation = 1 if again.format == "TIFF" else _orientation(again)  # Pillow and OpenCV turn TIFF themselves
        stereo = _stereo(path, again)
        if again.format != "MPO" and getattr(again, "n_frames", 1) > 1:
            notes.append("it has several frames, of which only the first was taken")
    pixels, more = _pixels(image, path)
    return Photo(turned(pixels, orientation), metadata, _lossy(path, image), stereo, (*notes, *more))


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(ORIENTATION, 1)
    except Exception:  # damaged EXIF; metadata_of has noted it
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _stereo(path: Path, image: Image.Image) -> str:
    if path.suffix.lower() in {".jps", ".pns"} or any(
        name == "APP3" and data.startswith(b"_JPSJPS_") for name, data in getattr(image, "applist", [])
    ):
        return "a stereo picture that holds both views side by side"
    if image.format != "MPO" or getattr(image, "n_frames", 1) < 2:
        return ""
    size = image.size
    try:
        image.seek(1)
    except Exception:  # a second picture that cannot be found is none
        return ""
    # a smaller second picture is a preview or a gain map of an ordinary photo
    return "a stereo picture (MPO) that holds both views" if image.size == size else ""


def _lossy(path: Path, image: Image.Image) -> bool:
    with path.open("rb") as stream:
        jpeg = stream.read(2) == b"\xff\xd8"
        return jpeg or image.format == "AVIF" or (image.format == "WEBP" and b"VP8 " in _chunks(stream))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yields the names of a WebP file's chunks: before the pixels' stand those of ICC, alpha and animation."""
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        yield name
        # a frame (ANMF) holds chunks of its own, after 16 bytes; a chunk of odd size is followed by a byte
        stream.seek(16 if name == b"ANMF" else size + size % 2, os.SEEK_CUR)


def _pixels(image: Image.Image, path: Path | None) -> tuple[Pixels, list[str]]:
    if path is not None and image.info["sixteen_bit"]:
        # Pillow cuts 16-bit colour to its upper byte; OpenCV keeps it.
        deep = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if deep is not None and deep.dtype == np.uint16:
            return _on_white(deep), []
    if image.mode.startswith("I;16"):
        return _on_white(np.asarray(image).astype(np.uint16)), []
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    if image.mode == "CMYK" and image.info.get("icc_profile"):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except ImageCms.PyCMSError:
            return np.array(image.convert("RGB")), ["its CMYK profile is damaged, so its colours are approximate"]
        assert converted is not None
        return np.array(converted), []
    return np.array(image.convert("RGB")), []


def _on_white(deep: Pixels) -> Pixels:
    """Returns RGB of a 16-bit grey, BGR or BGRA array as OpenCV gives it."""
    if deep.ndim == 2 or deep.shape[2] == 1:
        return np.repeat(deep.reshape(*deep.shape[:2], 1), 3, axis=2)
    picture = deep[..., 2::-1]
    if deep.shape[2] == 4:
        alpha = deep[..., 3:].astype(np.float64) / 65535
        picture = np.rint(picture * alpha + 65535 * (1 - alpha)).astype(np.uint16)
    return np.ascontiguousarray(picture)


def turned(picture: Pixels, orientation: int) -> Pixels:
    """Returns the picture upright: what EXIF orientation 1 to 8 says is undone.

    Example:
        >>> turned(np.array([[1, 2], [3, 4]]), 6).tolist()
        [[3, 1], [4, 2]]
    """
    if orientation >= 5:
        picture = picture.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        picture = picture[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
