"""Pictures in memory: what `from restereo import recover` does."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from PIL import Image

from restereo.inference.answer import Views
from restereo.inference.devices import find_device
from restereo.inference.engine import Restorer
from restereo.inference.lookup import default_model, find_model
from restereo.inference.recover import RecoverOptions, recover_image
from restereo.io.read import as_image
from restereo.methods import AnaglyphMethod, parse_or_detect


def recover(
    image: str | Path | Image.Image | NDArray[Any],
    method: str | AnaglyphMethod = "auto",
    *,
    swap: bool = False,
    force: bool = False,
    invent_color: bool = False,
    model: str | None = None,
    device: str = "auto",
) -> Views:
    """Returns both views of an anaglyph; see `restereo.recover`."""
    options = RecoverOptions(parse_or_detect(method), swap, force, invent_color)
    return recover_image(as_image(image), loaded(model or default_model(), device), options)[0]


@lru_cache(maxsize=2)
def loaded(model: str, device: str) -> Restorer:
    """Returns the network, read once; two of them are kept."""
    return find_model(model, find_device(device), "anaglyph")
