"""What a picture's file says that its pixels, once read, no longer show: it was turned, or see-through."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

ORIENTATION: Final = 0x0112
UPRIGHT: Final = 1
TURNS: Final = {
    2: "mirrored",
    3: "turned by 180 degrees",
    4: "upside down",
    5: "mirrored and turned by 90 degrees",
    6: "turned by 90 degrees",
    7: "mirrored and turned by 270 degrees",
    8: "turned by 270 degrees",
}
"""EXIF orientation -> how the pixels lie in the file (EXIF 2.32, tag 0x0112)."""


@dataclass(frozen=True)
class Stored:
    """How the pixels lie in the file, empty if upright; the share of them that is see-through, None without alpha."""

    turn: str = ""
    see_through: float | None = None


def stored(path: Path) -> Stored:
    """Returns what the file of a picture, known to be readable, says beside its pixels.

    Example:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "a.png"
        >>> Image.new("RGBA", (4, 2), (9, 9, 9, 255)).save(file)
        >>> stored(file)
        Stored(turn='', see_through=0.0)
    """
    with Image.open(path) as image:
        turn = TURNS.get(image.getexif().get(ORIENTATION, UPRIGHT), "")
        if "A" not in image.getbands() and "transparency" not in image.info:
            return Stored(turn)
        levels = image.convert("RGBA").getchannel("A").histogram()
        return Stored(turn, 1 - levels[255] / sum(levels))
