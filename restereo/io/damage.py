"""Damage that decoders repair without a word: what libjpeg-turbo warns of, which neither Pillow nor OpenCV hands on."""

from typing import Final

import simplejpeg

WARNINGS: Final = "Corrupt JPEG data", "Premature end", "Inconsistent progression"
"""How libjpeg's warnings (jerror.h) about the data begin; others are about what a file says of itself."""


def jpeg_damage(content: bytes) -> str | None:
    """Returns what is wrong with the first picture in these bytes of a JPEG file, None if nothing is known to be.

    JPEG has no checksum: a flipped bit that leaves valid codes, and as many as there should be, is seen by nobody.

    Args:
        content: The file; what follows its end marker is not looked at.

    Example:
        >>> jpeg_damage(b"no picture") is None
        True
    """
    try:
        simplejpeg.decode_jpeg(content, "GRAY", fastdct=True, min_height=1, min_width=1, min_factor=8, strict=True)
    except ValueError as error:
        return str(error) if str(error).startswith(WARNINGS) else None
    return None
