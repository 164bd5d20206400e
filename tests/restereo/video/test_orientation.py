"""Pictures stand as the film's display matrix says, mirrored ones too."""

import itertools
import struct

import numpy as np
import pytest

from restereo.video.reader import frames, open_film
from tests.restereo.video import clips

MATRICES = [
    *((a, 0, 0, d) for a, d in itertools.product((1, -1), repeat=2)),
    *((0, b, c, 0) for b, c in itertools.product((1, -1), repeat=2)),
]
BEFORE_MATRIX = 44
"""Bytes from the name of the box `tkhd` to its matrix (ISO/IEC 14496-12 8.3.2)."""


@pytest.mark.parametrize("matrix", MATRICES)
def test_pictures_are_turned_and_mirrored_as_the_matrix_says(tmp_path, matrix):
    file = clips.encoded(tmp_path / "a.mp4", count=2)
    straight = next(frames(open_film(file))).image()
    a, b, c, d = matrix
    content = bytearray(file.read_bytes())
    numbers = [part << 16 for part in (a, b, 0, c, d, 0, 0, 0)]
    struct.pack_into(">8i", content, content.index(b"tkhd") + BEFORE_MATRIX, *numbers)
    file.write_bytes(content)
    rows, columns = np.indices(straight.shape[:2])
    across, down = a * columns + c * rows, b * columns + d * rows
    shown = np.zeros((np.ptp(down) + 1, np.ptp(across) + 1, 3), np.uint8)
    shown[down - down.min(), across - across.min()] = straight
    film = open_film(file)
    assert (film.height, film.width) == shown.shape[:2]
    np.testing.assert_array_equal(next(frames(film)).image(), shown)
