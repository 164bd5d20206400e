"""Pixels from a file: sizes checked first, upright, 8-bit RGB, or one sentence on why not."""

import warnings
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from restereo.errors import UserError

Picture = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
SUFFIXES = frozenset([".png", ".jpg", ".jpeg", ".ppm", ".bmp", ".tif", ".tiff", ".webp"])

# What Pillow raises on damaged files, besides OSError, depends on the format.
_DAMAGED = (OSError, SyntaxError, ValueError, IndexError, EOFError, OverflowError)


def open_picture(path: Path, max_pixels: int = MAX_PIXELS, frame: int = 0) -> Image.Image:
    """Returns the decoded picture as Pillow sees it, its size checked before it is decoded.

    Raises:
        UserError: The file is missing, empty, damaged, not a picture, has no such frame (MPO files
            have two), or more than `max_pixels` pixels.

    Example:
        >>> open_picture(Path("missing.png"))
        Traceback (most recent call last):
        restereo.errors.UserError: missing.png: no such file; check the name.
    """
    try:
        with path.open("rb") as stream:
            return _decode(stream, path, max_pixels, frame)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; check the name.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: a folder, not a picture; name a file.") from None
    except PermissionError:
        raise UserError(f"{path}: may not be read; change its permissions.") from None


def _decode(stream: IO[bytes], path: Path, max_pixels: int, frame: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            # Our own limit, checked below, is the stricter one.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(stream)
    except Image.DecompressionBombError:
        raise UserError(_too_many(path, f"over {max_pixels:,}", max_pixels)) from None
    except _DAMAGED:
        what = "is empty" if path.stat().st_size == 0 else "is not a picture that can be read"
        raise UserError(f"{path}: {what}; give a PNG, JPEG, TIFF, WebP, PPM or BMP file.") from None
    if image.width * image.height > max_pixels:
        raise UserError(_too_many(path, f"{image.width * image.height:,}", max_pixels))
    image.info["sixteen_bit"] = _is_16_bit(image)
    try:
        image.seek(frame)
        image.load()
    except EOFError:
        raise UserError(f"{path}: has no picture number {frame + 1}; give a file with both views.") from None
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{path}: damaged or cut short ({reason}); copy it again from its original.") from None
    return image


def _too_many(path: Path, pixels: str, limit: int) -> str:
    return f"{path}: {pixels} pixels, and {limit:,} is the limit; scale it down or cut it into parts."


def read_picture(path: Path, max_pixels: int = MAX_PIXELS, frame: int = 0) -> Picture:
    """Returns the picture as `(H, W, 3)` uint8 RGB, upright.

    EXIF orientation is applied. 16 bits a channel are rounded to 8. Grey becomes three equal channels. Where
    there is alpha, the picture is laid on white, as a browser shows it. Values are taken as sRGB; an ICC
    profile is not applied.

    Raises:
        UserError: See `open_picture`.

    Example:
        >>> import skimage
        >>> read_picture(Path(skimage.__file__).parent / "data" / "coffee.png").shape
        (400, 600, 3)
    """
    image = open_picture(path, max_pixels, frame)
    return _upright(_rgb(image, path), image)


def _rgb(image: Image.Image, path: Path) -> Picture:
    if image.info["sixteen_bit"]:
        # Pillow cuts 16-bit colour to its upper byte; OpenCV keeps it.
        deep = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
        if deep is not None and deep.dtype == np.uint16:
            return _from_16_bit(deep.astype(np.uint16, copy=False))
    if image.mode.startswith("I;16"):
        return _from_16_bit(np.asarray(image))
    if "A" in image.getbands() or "transparency" in image.info:
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    return np.array(image.convert("RGB"))


def _is_16_bit(image: Image.Image) -> bool:
    """Returns whether the file holds 16 bits a channel. Pillow tells only before it decodes."""
    if image.format not in {"PNG", "TIFF"} or not isinstance(image, ImageFile.ImageFile) or not image.tile:
        return False
    layout: Any = image.tile[0][3]
    return ";16" in (layout if isinstance(layout, str) else str(layout[0]))


def _from_16_bit(deep: NDArray[np.uint16]) -> Picture:
    """Returns RGB of a 16-bit grey, BGR or BGRA array as OpenCV gives it."""
    if deep.ndim == 2:
        deep = deep[..., None].repeat(3, axis=2)
    light = deep[..., 2::-1].astype(np.float64) / 65535
    if deep.shape[2] == 4:
        alpha = deep[..., 3:] / 65535
        light = light * alpha + (1 - alpha)
    return np.rint(light * 255).astype(np.uint8)


def _upright(picture: Picture, image: Image.Image) -> Picture:
    orientation = image.getexif().get(0x0112, 1)
    if orientation in {None, 1}:
        return picture
    turned = Image.fromarray(picture)
    turned.getexif()[0x0112] = orientation
    return np.array(ImageOps.exif_transpose(turned))


def is_grey(picture: Picture, tolerance: float = 1.0) -> bool:
    """Returns whether the picture holds no colour: its channels differ by less than `tolerance` on the mean.

    Example:
        >>> is_grey(np.full((4, 4, 3), 90, np.uint8))
        True
    """
    red, green, blue = (picture[..., i].astype(np.int16) for i in range(3))
    return bool(np.abs(red - green).mean() + np.abs(green - blue).mean() < tolerance)
