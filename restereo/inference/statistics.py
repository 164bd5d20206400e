"""What may be written down of a picture that was recovered: figures alone, and only where its owner asked for it.

`RESTEREO_STATISTICS=FILE` asks for it. No picture, no name, no place and no time but the day gets into the file.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.imaging import stereo
from restereo.imaging.anaglyph import eye_channels
from restereo.methods import AnaglyphMethod

VARIABLE = "RESTEREO_STATISTICS"
DECIMALS = 5


def statistics_of(
    picture: NDArray[np.uint8],
    left: NDArray[np.uint8],
    method: AnaglyphMethod,
    jpeg: bool,
    model: str,
    residual: float | None = None,
    disparity: NDArray[np.float32] | None = None,
    confidence: NDArray[np.float32] | None = None,
) -> dict[str, Any]:
    """Returns the figures that drift compares, of one recovered picture; None where the network says nothing of it.

    Args:
        picture: `(H, W, 3)`, the anaglyph.
        left: `(H, W, 3)`, its recovered left view, whose brightness and contrast (0 to 255) are comparable with those
            of the pictures that it was trained on.
        method: The method that it was taken for.
        jpeg: Whether it came from a JPEG file.
        model: SHA-256 of the weights.
        residual: Root mean square of what the answer contradicted before it was projected, in 0 to 1.
        disparity: `(2, H, W)` in px.
        confidence: `(2, H, W)` in 0 to 1; 0 = colour invented.

    Example:
        >>> from restereo.methods import METHODS
        >>> grey = np.full((40, 50, 3), 90, np.uint8)
        >>> found = statistics_of(grey, grey, METHODS["red-cyan-color"], False, "0" * 64)
        >>> found["brightness"], found["megapixels"], found["match_share"]
        (90.0, 0.002, None)
    """
    luma = cv2.cvtColor(left, cv2.COLOR_RGB2GRAY)
    figures: dict[str, Any] = {
        "megapixels": picture.shape[0] * picture.shape[1] / 1e6,
        "brightness": float(luma.mean()),
        "contrast": float(luma.std()),
        "residual": residual,
        "match_share": None,
        "match_correlation": None,
        "confidence": None if confidence is None else float(confidence.mean()),
    }
    own = eye_channels(method.matrix)
    if disparity is not None and confidence is not None and all(own):
        matched = confidence[0] > 0
        eyes = [picture[..., list(channels)].mean(axis=2, dtype=np.float32) for channels in own]
        figures["match_share"] = float(matched.mean())
        figures["match_correlation"] = stereo.gradient_correlation(eyes[0], eyes[1], disparity[0], matched)
    rounded = {name: value if value is None else round(value, DECIMALS) for name, value in figures.items()}
    day = datetime.now(UTC).date().isoformat()
    return {"day": day, "model": model, "type": method.name, "jpeg": jpeg, **rounded}


def log() -> Path | None:
    """Returns the file that `RESTEREO_STATISTICS` names, None where nobody asked for statistics.

    Example:
        >>> log() is None or VARIABLE in os.environ
        True
    """
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def note(file: Path, figures: dict[str, Any]) -> None:
    """Adds one line to the file. Several programs may: a line is written in one go.

    Raises:
        UserError: The file cannot be written.
    """
    try:
        with file.open("ab", buffering=0) as stream:
            stream.write(json.dumps(figures).encode() + b"\n")
    except OSError as error:
        raise UserError(f"{file}: cannot be written ({error.strerror}); correct {VARIABLE}, or unset it.") from None
