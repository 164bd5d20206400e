"""What is no picture is refused with a sentence."""

import numpy as np
import pytest

from restereo.errors import UserError
from restereo.image import check_picture


@pytest.mark.parametrize(
    ("picture", "rule"),
    [
        (np.zeros((4, 4), np.uint8), "one channel"),
        (np.zeros((4, 4, 1), np.uint8), "one channel"),
        (np.zeros((4, 4, 4), np.uint8), "height x width x 3"),
        (np.zeros((4, 4, 3), np.uint16), "not 8-bit"),
        ([[1]], "not 8-bit"),
        (np.zeros((0, 4, 3), np.uint8), "4x0 px"),
    ],
)
def test_refused(picture: object, rule: str) -> None:
    with pytest.raises(UserError, match=f"a.png: .*{rule}.*; "):
        check_picture(picture, "a.png")


def test_too_small() -> None:
    with pytest.raises(UserError, match="it is 1x1 px; at least 16x16 px are needed"):
        check_picture(np.zeros((1, 1, 3), np.uint8), least=16)
