"""restereo gives back the two full-colour views from which a 3D anaglyph was made."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from restereo.inference.answer import Views

__version__ = "0.1.0"
__all__ = ["recover"]


def recover(
    image: "str | Path | Image.Image | NDArray[np.uint8] | NDArray[np.uint16]",
    method: str = "auto",
    *,
    swap: bool = False,
    force: bool = False,
    invent_color: bool = False,
    model: str | None = None,
    device: str = "auto",
) -> "Views":
    """Returns both views of an anaglyph: `left`, `right` `(H, W, 3)`, `disparity`, `confidence` `(2, H, W)`, `method`.

    Args:
        image: A file's name, a Pillow picture, or an `(H, W, 3)` RGB array of 8 or 16 bits.
        method: How it was made, such as `red-cyan` or `green-magenta-half`, or `auto` to detect it.
        swap: Whether the first colour is the right eye's.
        force: Whether to take what does not look like an anaglyph for one.
        invent_color: Whether the views of a grey anaglyph get colours.
        model: Run folder, or name of released weights or of a run; by default the released ones.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        restereo.errors.UserError: The picture is damaged or no anaglyph, or something named does not exist.

    Example:
        >>> from restereo import recover
        >>> recover("nowhere.jpg")
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere.jpg: no such file; check the name.
    """
    from restereo.inference import in_memory  # torch is imported by the first call, not by the import of the package

    options: dict[str, Any] = {"swap": swap, "force": force, "invent_color": invent_color}
    return in_memory.recover(image, method, model=model, device=device, **options)
