"""Rows that disagree are found and undone; where they agree nothing is found."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.image import Picture
from restereo.imaging.degradations import jpeg
from restereo.imaging.rectification import RowOffset, levelled, row_offset, tilted

UNLIKE = ("middlebury_2021", "steren", "stereo_magnification")
"""Sets of pairs by hand, by phone and by lens: their rows are apart."""


def pair(folder: Path) -> tuple[Picture, Picture]:
    views = (cv2.imread(str(next(folder.glob(f"{eye}.*"))), cv2.IMREAD_COLOR_RGB) for eye in ("left", "right"))
    left, right = (np.asarray(view, np.uint8) for view in views)
    return left, right


def anaglyph(left: Picture, right: Picture, quality: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """What either eye shows of a colour red-cyan anaglyph, saved as JPEG or not."""
    picture = np.dstack([left[..., 0], right[..., 1:]])
    if quality is not None:
        picture = jpeg(picture, quality)
    return picture[..., 0].astype(np.float32), picture[..., 1:].mean(2, dtype=np.float32)


def offset_between(left: Picture, right: Picture, quality: int | None = None) -> RowOffset | None:
    return row_offset(*anaglyph(left, right, quality))


def root_mean_square(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


BENDING = RowOffset(np.array([4.0, 2.0, -1.5, 0.5, 0.1, 0.5]) / 370)
"""Of a picture of 370 rows, up to 8 px."""


def test_levelled_undoes_tilted() -> None:
    picture = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (370, 460)).astype(np.float32), (0, 0), 3)
    offset = BENDING.rows(370, 460)
    back = levelled(tilted(picture, offset), offset)
    assert np.abs(back - picture)[20:-20].max() < 0.5


def test_rows_are_those_of_the_whole() -> None:
    whole = BENDING.rows(370, 460)
    assert np.array_equal(BENDING.rows(370, 460, slice(100, 130)), whole[100:130])
    assert np.allclose(BENDING.rows(740, 920)[::2, ::2], 2 * whole, atol=0.1)


@pytest.mark.parametrize(("quality", "error"), [(None, 0.25), (85, 0.6)])
@pytest.mark.parametrize("scene", ["middlebury_2005/Dolls", "middlebury_2006/Baby1", "middlebury_2001/barn2"])
def test_offset_that_bends_is_found(data: Path, scene: str, quality: int | None, error: float) -> None:
    left, right = pair(data / "train/stereo" / scene)
    size = left.shape[:2]
    found = offset_between(left, tilted(right, BENDING.rows(*size)), quality)
    assert found is not None
    assert root_mean_square(found.rows(*size) - BENDING.rows(*size)) < error


def test_offset_of_real_pairs_is_found(data: Path) -> None:
    # Constant terms by SIFT on the colour pictures, in px: -2.9, .6 and 2.9.
    for scene, constant in (("podium1", -2.9), ("traproom1", 0.6)):
        found = offset_between(*pair(data / "train/stereo/middlebury_2021" / scene))
        assert found is not None
        assert abs(found.rows(*(540, 960))[270, 480] * (2 if scene == "podium1" else 1) - constant) < 0.6
    found = offset_between(*pair(data / "train/stereo/steren_stereo_img/GX8"))
    assert found is not None
    assert abs(found.rows(1367, 1824)[683, 912] - 2.9) < 0.3


@pytest.mark.parametrize("quality", [None, 85])
def test_rows_that_agree_are_left_alone(data: Path, quality: int | None) -> None:
    folders = [f.parent for f in sorted((data / "train/stereo").glob("*/*/left.*")) if f.parts[-3] not in UNLIKE]
    rectified = [folder for folder in folders if not folder.parent.name.startswith(UNLIKE)]
    assert len(rectified) >= 38
    alarms = [folder.name for folder in rectified if offset_between(*pair(folder), quality) is not None]
    assert alarms == []


@pytest.mark.parametrize("size", [(20, 30), (64, 64), (300, 40)])
def test_nothing_is_found_where_nothing_is_seen(size: tuple[int, int]) -> None:
    flat = np.full(size, 100, np.float32)
    noise = np.random.default_rng(0).uniform(0, 255, (2, *size)).astype(np.float32)
    assert row_offset(flat, flat) is None
    assert row_offset(noise[0], noise[1]) is None
