"""restereo gives back the two full-colour views from which a 3D anaglyph was made."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from restereo.image import Image
    from restereo.inference.recover import recover
    from restereo.inference.restore import colorize, repair, upscale
    from restereo.io.convert import anaglyph, convert, detect
    from restereo.methods import AnaglyphMethod

__version__ = "0.1.0"
__all__ = ["AnaglyphMethod", "Image", "anaglyph", "colorize", "convert", "detect", "recover", "repair", "upscale"]

_MODULES = {
    "AnaglyphMethod": "methods",
    "Image": "image",
    "anaglyph": "io.convert",
    "colorize": "inference.restore",
    "convert": "io.convert",
    "detect": "io.convert",
    "recover": "inference.recover",
    "repair": "inference.restore",
    "upscale": "inference.restore",
}


def __getattr__(name: str) -> Any:
    """Returns a public name; its module, and with it torch, is imported by its first use, not with the package."""
    if name not in _MODULES:
        raise AttributeError(f"module 'restereo' has no attribute '{name}'")
    found = getattr(importlib.import_module(f"restereo.{_MODULES[name]}"), name)
    globals()[name] = found
    return found
