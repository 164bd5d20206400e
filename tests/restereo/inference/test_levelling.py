"""Anaglyphs whose eyes' rows are apart."""

from pathlib import Path

import cv2
import numpy as np

from restereo import recover
from restereo.imaging.anaglyph import form
from restereo.imaging.metrics import missing_channels, missing_psnr
from restereo.imaging.rectification import RowOffset, tilted
from restereo.inference.levelling import Levelling
from restereo.methods import METHODS

METHOD = METHODS["red-cyan-color"]


def views(folder: Path) -> list[np.ndarray]:
    return [
        np.asarray(cv2.imread(str(folder / f"{eye}.png"), cv2.IMREAD_COLOR_RGB), np.uint8) for eye in ("left", "right")
    ]


def test_rows_apart_cost_little(data: Path) -> None:
    left, right = views(data / "train/stereo/middlebury_2005/Moebius")
    apart = tilted(right, RowOffset(np.array([2 / len(left), 0, 0, 0, 0, 0])).rows(*left.shape[:2]))
    missing = missing_channels(METHOD)
    assert missing is not None
    figures = []
    for other in (right, apart):
        anaglyph = form(left, other, METHOD)
        found = recover(anaglyph, METHOD)
        answer, truth = (np.concatenate(pair, axis=-1)[8:-8] for pair in ((found.left, found.right), (left, other)))
        figures.append(missing_psnr(answer, truth, missing))
        kept = np.concatenate([found.left[..., :1], found.right[..., 1:]], axis=-1)
        assert np.abs(kept.astype(int) - anaglyph).max() <= 2
    assert figures[1] > figures[0] - 0.7, figures


def test_16_bits_stay_and_mixed_channels_are_left_alone(data: Path) -> None:
    left, right = views(data / "train/stereo/middlebury_2005/Dolls")
    apart = tilted(right, RowOffset(np.array([3 / len(left), 0, 0, 0, 0, 0])).rows(*left.shape[:2]))
    deep = form(left, apart, METHOD).astype(np.uint16) * 257
    level = Levelling.of(deep, METHOD)
    assert level is not None
    assert level.observed.dtype == np.uint16
    assert np.array_equal(level.observed[..., 0], deep[..., 0])
    assert Levelling.of(deep, METHODS["red-cyan-dubois"]) is None
