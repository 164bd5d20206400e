"""A picture in memory with all that its file says. `io` makes it, and nothing after that checks it again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError

Pixels = NDArray[Any]
"""`(H, W, 3)` uint8 or uint16 RGB, or an `(H, W)` float32 map."""
Picture = NDArray[np.uint8]
"""`(H, W, C)`, 8 bits, sRGB; six channels are left RGB, then right RGB."""


@dataclass(frozen=True)
class Metadata:
    """What is kept of a file beside its pixels.

    Attributes:
        exif: Tags of the main directory, by number; without orientation, thumbnail and layout of the pixels.
        details: Tags of the Exif directory.
        gps: Tags of the GPS directory.
        icc: ICC profile of RGB pixels, or nothing.
        dpi: Resolution, or None.
        comment: Free text of JPEG and GIF files, as it was stored.
    """

    exif: tuple[tuple[int, object], ...] = ()
    details: tuple[tuple[int, object], ...] = ()
    gps: tuple[tuple[int, object], ...] = ()
    icc: bytes = b""
    dpi: tuple[float, float] | None = None
    comment: bytes = b""


NO_METADATA = Metadata()


@dataclass(frozen=True)
class Stereo:
    """How a file holds both views, as it says itself.

    Attributes:
        about: What makes it a picture that holds both, in words.
        frames: Which of its pictures are the left and the right view; None = one picture holds both.
        layout: Name of the layout in which one picture holds both.
        swapped: Whether it holds them the other way round: right view first.
    """

    about: str
    frames: tuple[int, int] | None = None
    layout: str = ""
    swapped: bool = False


@dataclass(frozen=True, eq=False)
class Image:
    """A picture, upright.

    Attributes:
        pixels: `(H, W, 3)` RGB, uint8, or uint16 if the file has 16 bits.
        name: What messages call it: its path, if it has one.
        metadata: What else its file says.
        color_space: Of its values: the name in its ICC profile, `sRGB` without one.
        lossy: Whether it went through JPEG or lossy WebP, which mix the eyes' fine detail.
        stereo: How its file holds both views, if it says that it does.
        notes: What could not be kept, in words.

    Raises:
        UserError: The pixels are not those of an RGB picture of 8 or 16 bits.

    Example:
        >>> image = Image(np.zeros((2, 3, 3), np.uint16))
        >>> image.width, image.height, image.bits, image.color_space
        (3, 2, 16, 'sRGB')
    """

    pixels: Pixels
    name: str = "the picture"
    metadata: Metadata = NO_METADATA
    color_space: str = "sRGB"
    lossy: bool = False
    stereo: Stereo | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Checks the pixels."""
        check_picture(self.pixels, self.name, dtypes=(np.uint8, np.uint16))

    @property
    def height(self) -> int:
        """In px."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """In px."""
        return int(self.pixels.shape[1])

    @property
    def bits(self) -> int:
        """Of a channel: 8 or 16."""
        return 8 * self.pixels.itemsize


def eight_bit(pixels: Pixels) -> NDArray[np.uint8]:
    """Returns pixels in 8 bits a channel, rounded; those that have them are returned as they are.

    Example:
        >>> eight_bit(np.array([[[0, 128, 65535]]], np.uint16)).tolist()
        [[[0, 0, 255]]]
    """
    if pixels.dtype == np.uint8:
        return pixels
    rounded: NDArray[np.uint8] = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return rounded


def check_picture(
    picture: Any, name: str = "the picture", least: int = 1, dtypes: tuple[type[np.generic], ...] = (np.uint8,)
) -> None:
    """Raises `UserError` unless this is an RGB picture of 8 bits, at least `least` px wide and high.

    Args:
        picture: What should be `(H, W, 3)` uint8.
        name: The file or role that the message names.
        least: Smallest side in px.
        dtypes: Of the values, if not only uint8.

    Example:
        >>> check_picture(np.zeros((2, 3, 3), np.uint8))
        >>> check_picture(np.zeros((2, 3), np.uint8), "a.png")
        Traceback (most recent call last):
        restereo.errors.UserError: a.png: it has one channel, not red, green and blue; convert it to 8-bit RGB.
    """
    remedy = "convert it to 8-bit RGB"
    if not isinstance(picture, np.ndarray) or picture.dtype not in dtypes:
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise UserError(f"its values are {kind}, not 8-bit", where=name, remedy=remedy)
    if picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 1):
        raise UserError("it has one channel, not red, green and blue", where=name, remedy=remedy)
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"its shape is {picture.shape}, not height x width x 3", where=name, remedy=remedy)
    height, width = picture.shape[:2]
    if min(height, width) < max(1, least):
        raise UserError(f"it is {width}x{height} px", where=name, remedy=f"at least {least}x{least} px are needed")


def is_grey(picture: NDArray[np.uint8], tolerance: float = 1.0) -> bool:
    """Returns whether the picture holds no colour: its channels differ by less than `tolerance` on the mean.

    Example:
        >>> is_grey(np.full((4, 4, 3), 90, np.uint8))
        True
    """
    red, green, blue = (picture[..., i].astype(np.int16) for i in range(3))
    return bool(np.abs(red - green).mean() + np.abs(green - blue).mean() < tolerance)
