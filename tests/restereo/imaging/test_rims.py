"""Rims are found where a rectified eye has them, and nowhere else."""

import cv2
import numpy as np
import pytest

from restereo.imaging.rims import black_rims


def picture(seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).uniform(30, 255, (20, 30)).astype(np.float32)
    return cv2.resize(noise, (240, 160)).clip(20, 255)


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize(("first", "last"), [(6, 6), (0, 14), (12, -30)])
def test_a_wedge_on_any_side_is_found(turns, first, last):
    view = np.ascontiguousarray(np.rot90(picture(), turns))
    height, width = view.shape
    edge = np.linspace(first, last, width)
    wedge = np.arange(height)[:, None] < edge
    view[wedge] = 0
    view, wedge = np.rot90(view, -turns), np.rot90(wedge, -turns)
    found = black_rims(np.ascontiguousarray(view))
    assert (wedge & ~found).sum() <= 0.02 * wedge.sum()
    assert (found & ~wedge).mean() < 0.03


def test_dark_pictures_have_none():
    night = picture() - 140  # dark patches of any form, some at the frame
    assert not black_rims(night.clip(0, 255)).any()
    assert not black_rims(np.zeros((50, 50), np.float32)).any()
    assert not black_rims(picture()).any()


def test_a_dark_thing_at_the_edge_of_a_rim_does_not_hide_it():
    view = picture()
    view[:8] = 0
    view[8:30, 100:115] = 0
    found = black_rims(view)
    assert found[:8].all() and not found[12:].any()
