"""The one reader of pictures: sizes checked before they are decoded, upright RGB, or one sentence on why not."""

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from PIL import ExifTags, ImageCms

from restereo.errors import UserError
from restereo.image import Image, Pixels, eight_bit
from restereo.io.damage import jpeg_damage
from restereo.io.depth import read_deep, stored_white
from restereo.io.metadata import color_space_of, metadata_of
from restereo.io.stereo import stereo_of

MAX_PIXELS = 100_000_000
SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff", ".webp"])
"""Of pictures that data sets are made of."""
ENDINGS = SUFFIXES | {".avif", ".gif", ".heic", ".heif", ".hif", ".jfif", ".jpe", ".pgm", ".pnm"}
"""Of pictures to restore, looked for in a folder."""
_DAMAGED = (OSError, SyntaxError, ValueError, IndexError, EOFError, OverflowError)
"""What Pillow raises on what is no picture, by format."""


def read_image(path: Path, max_pixels: int = MAX_PIXELS, frame: int | None = None) -> Image:
    """Returns the picture with its metadata; of several in a file the primary one, unless `frame` says which.

    EXIF orientation is applied. Grey becomes three equal channels, CMYK with a profile sRGB. Where there is alpha, the
    picture is laid on white, as a browser shows it. 16 bits stay 16 bits. RGB values stay as they are in the file.

    Raises:
        UserError: It is missing, no regular file, empty, damaged, not a picture, or has more than `max_pixels`.

    Example:
        >>> import skimage
        >>> read_image(Path(skimage.__file__).parent / "data" / "coffee.png").pixels.shape
        (400, 600, 3)
    """
    image = open_picture(path, max_pixels, frame)
    with _readable(path), PIL.Image.open(path) as again:  # tags must be read while the file is open
        metadata, notes = metadata_of(again)
        stereo, others = stereo_of(again, path)
        pixels, more = _pixels(image, path)
        lossy, space = _lossy(path, image), color_space_of(metadata)
        if image.format in {"JPEG", "MPO"}:
            damage = jpeg_damage(path.read_bytes()[getattr(image, "offset", 0) :])
            more += [f"its data are damaged, so parts may be wrong ({damage})"] if damage else []
    return Image(pixels, str(path), metadata, space, lossy, stereo, (*notes, *others, *more))


def read_picture(path: Path, max_pixels: int = MAX_PIXELS, frame: int | None = None) -> NDArray[np.uint8]:
    """Returns the pixels alone, `(H, W, 3)` uint8 RGB: those of `read_image`, of 16 bits a channel rounded to 8.

    Args:
        path: The file.
        max_pixels: What it may have at most.
        frame: Which picture of a file that holds several, such as the views of an MPO file; None = the primary one.

    Raises:
        UserError: See `read_image`; or there is no such frame.

    Example:
        >>> read_picture(Path("missing.png"))
        Traceback (most recent call last):
        restereo.errors.UserError: missing.png: no such file; check the name.
    """
    image = open_picture(path, max_pixels, frame)
    with _readable(path):
        return eight_bit(_pixels(image, path)[0])


def as_image(picture: "str | Path | PIL.Image.Image | Pixels | Image", max_pixels: int = MAX_PIXELS) -> Image:
    """Returns the picture that a programmer has: the name of its file, Pillow's object, or an array.

    Args:
        picture: A file's name, a Pillow picture, `(H, W, 3)` RGB of 8 or 16 bits, or what this function returned.
        max_pixels: What a picture of Pillow or of a file may have at most.

    Raises:
        UserError: A file or Pillow's picture is damaged, or an array is no RGB picture of 8 or 16 bits.

    Example:
        >>> as_image(PIL.Image.new("RGBA", (2, 1))).pixels.tolist()
        [[[255, 255, 255], [255, 255, 255]]]
    """
    if isinstance(picture, Image):
        return picture
    if isinstance(picture, str | Path):
        return read_image(Path(picture), max_pixels)
    if isinstance(picture, PIL.Image.Image):
        return _from_pillow(picture, "the picture", max_pixels)
    if not isinstance(picture, np.ndarray):
        raise UserError(
            f"the picture: {type(picture).__name__} is neither a file's name, a Pillow picture nor an array."
        )
    return Image(picture)


def open_picture(path: Path, max_pixels: int = MAX_PIXELS, frame: int | None = None) -> PIL.Image.Image:
    """Returns the decoded picture as Pillow sees it, its size checked before it is decoded.

    Raises:
        UserError: The file is missing, empty, damaged, not a picture, has no such frame (MPO files have two), or more
            than `max_pixels` pixels.
    """
    check_regular(path)
    try:
        with path.open("rb") as stream:
            return _decoded(stream, path, max_pixels, frame)
    except PermissionError:
        raise UserError("may not be read", where=path, remedy="change its permissions") from None


def size_in_file(path: Path) -> tuple[int, int] | None:
    """Returns (width, height) as the file's head says, or None if it cannot be told; nothing is decoded.

    Example:
        >>> size_in_file(Path("nowhere.png")) is None
        True
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with PIL.Image.open(path) as image:
                return image.size
    except Exception:  # whatever it is, opening it says so in a sentence
        return None


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
        raise UserError("no such file", where=path, remedy="check the name") from None
    except OSError as error:  # such as a folder that may not be entered
        raise UserError(f"cannot be read ({error.strerror})", where=path, remedy="check the name") from None
    if stat.S_ISDIR(mode):
        raise UserError("a folder, not a picture", where=path, remedy="name a file")
    if not stat.S_ISREG(mode):
        raise UserError("no regular file", where=path, remedy="name a picture's or film's file")


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


@contextmanager
def _readable(name: object, what: str = "damaged", remedy: str = "copy it again from its original") -> Iterator[None]:
    """Whatever a decoder raises in the block, led there by damaged bytes, is one sentence; its warnings are notes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{what} ({reason:.120})", where=name, remedy=remedy) from error


def _too_many(pixels: str, limit: int, name: object) -> UserError:
    what = f"{pixels} pixels, and {limit:,} is the limit"
    return UserError(what, where=name, remedy="scale it down or cut it into parts")


def _decoded(stream: IO[bytes], path: Path, max_pixels: int, frame: int | None) -> PIL.Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: PIL.Image.Image = PIL.Image.open(stream)
    except PIL.Image.DecompressionBombError:
        raise _too_many(f"over {max_pixels:,}", max_pixels, path) from None
    except _DAMAGED:
        what = "is empty" if path.stat().st_size == 0 else "is not a picture that can be read"
        raise UserError(f"{path}: {what}; give a PNG, JPEG, TIFF, WebP, HEIC, PPM or BMP file.") from None
    if image.width * image.height > max_pixels:
        raise _too_many(f"{image.width * image.height:,}", max_pixels, path)
    image.info["white"] = stored_white(image)
    with _readable(path, "damaged or cut short"):
        try:
            if frame is not None:
                image.seek(frame)
        except EOFError:
            assert frame is not None
            what = f"has no picture number {frame + 1}"
            raise UserError(what, where=path, remedy="give a file with both views") from None
        image.load()
    return image


def _from_pillow(image: PIL.Image.Image, name: str, max_pixels: int) -> Image:
    """A picture that Pillow holds as `read_image` would return its file; of 16 bits those that Pillow keeps."""
    if image.width * image.height > max_pixels:
        raise _too_many(f"{image.width * image.height:,}", max_pixels, name)
    with _readable(name, "damaged or closed", "open its file again"):
        image.load()
        pixels, notes = _pixels(image)
        shown = image.tell()
        stereo, others = stereo_of(image, Path(str(getattr(image, "filename", ""))))
        if image.tell() != shown:  # it is not ours
            image.seek(shown)
    lossy = image.format in {"JPEG", "MPO", "AVIF", "HEIF"}
    return Image(pixels, name, lossy=lossy, stereo=stereo, notes=(*notes, *others))


def _pixels(image: PIL.Image.Image, path: Path | None = None) -> tuple[Pixels, list[str]]:
    """Upright RGB of 8 or 16 bits of what was decoded, of this file if there is one, and notes."""
    pixels, notes = _rgb(image, path)
    orientation = 1 if image.format == "TIFF" else _orientation(image)  # Pillow and OpenCV turn TIFF themselves
    return turned(pixels, orientation), notes


def _rgb(image: PIL.Image.Image, path: Path | None) -> tuple[Pixels, list[str]]:
    white, notes = image.info.get("white", stored_white(image)), list[str]()
    if white > 255:
        deep, notes = read_deep(image, white, path)
        if deep is not None:
            return _on_white(deep), notes
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", layer.size, "white"), layer)
    if image.mode == "CMYK":
        rgb, how = _from_cmyk(image)
        return np.array(rgb), [*notes, f"its CMYK colours became sRGB {how}"]
    return np.array(image.convert("RGB")), notes


def _from_cmyk(image: PIL.Image.Image) -> tuple[PIL.Image.Image, str]:
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB"), "roughly: it has no profile"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except ImageCms.PyCMSError:
        return image.convert("RGB"), "roughly: its profile is damaged"
    assert converted is not None
    return converted, "by its profile"


def _on_white(deep: Pixels) -> Pixels:
    """Returns RGB of a 16-bit grey, BGR or BGRA array as OpenCV gives it."""
    if deep.ndim == 2 or deep.shape[2] == 1:
        return np.repeat(deep.reshape(*deep.shape[:2], 1), 3, axis=2)
    picture = deep[..., 2::-1]
    if deep.shape[2] == 4:
        alpha = deep[..., 3:].astype(np.float64) / 65535
        picture = np.rint(picture * alpha + 65535 * (1 - alpha)).astype(np.uint16)
    return np.ascontiguousarray(picture)


def _orientation(image: PIL.Image.Image) -> int:
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF; metadata_of has noted it
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _lossy(path: Path, image: PIL.Image.Image) -> bool:
    with path.open("rb") as stream:
        jpeg = stream.read(2) == b"\xff\xd8"
        return jpeg or image.format in {"AVIF", "HEIF"} or (image.format == "WEBP" and b"VP8 " in _chunks(stream))


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yields the names of a WebP file's chunks: before the pixels' stand those of ICC, alpha and animation."""
    stream.seek(12)
    while len(head := stream.read(8)) == 8:
        name, size = head[:4], int.from_bytes(head[4:], "little")
        yield name
        # a frame (ANMF) holds chunks of its own, after 16 bytes; a chunk of odd size is followed by a byte
        stream.seek(16 if name == b"ANMF" else size + size % 2, os.SEEK_CUR)
