"""Pictures as text inside a page: exact (PNG) while they are few, fine JPEG when they are many."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

BUDGET = 10 * 2**20
"""Bytes of all pictures of a page; base64 makes them a third larger, so the page stays under 15 MB."""

SMALLEST = 32
"""Pictures are not made lower than this many px, whatever the budget."""


@dataclass(frozen=True)
class Embedded:
    """A picture as a `data:` address, and its size in pixels."""

    address: str
    width: int
    height: int


def _open(file: Path) -> Image.Image | None:
    try:
        with Image.open(file) as picture:
            return picture.convert("RGB")
    except (FileNotFoundError, UnidentifiedImageError, OSError):
        return None  # the page says in words that this picture cannot be shown


def _encode(picture: Image.Image, height: int, kind: str) -> tuple[bytes, tuple[int, int]]:
    if picture.height > height:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if kind == "png":
        picture.save(buffer, "PNG")
    else:  # 4:4:4, because halved colour is the very damage that the page shows
        picture.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue(), picture.size


def embed(files: Sequence[Path], height: int, budget: int = BUDGET) -> dict[Path, Embedded]:
    """Returns the pictures as `data:` addresses, at most `height` px high; unreadable ones are left out.

    All are PNG if they fit into the budget, else JPEG of quality 95 without chroma subsampling, made smaller
    until they fit.

    Example:
        >>> embed([Path("no-such-file.png")], 256)
        {}
    """
    pictures = {file: picture for file in dict.fromkeys(files) if (picture := _open(file)) is not None}
    kind, limit = "png", height
    while True:
        encoded = {file: _encode(picture, limit, kind) for file, picture in pictures.items()}
        total = sum(len(data) for data, _ in encoded.values())
        if total <= budget or limit <= SMALLEST:
            break
        if kind == "jpeg":  # bytes grow with the area
            limit = max(SMALLEST, int(limit * min(0.95, math.sqrt(budget / total))))
        kind = "jpeg"
    return {
        file: Embedded(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", *size)
        for file, (data, size) in encoded.items()
    }
