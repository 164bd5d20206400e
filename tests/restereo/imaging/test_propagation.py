"""Colours that one eye alone sees: filled from what is seen and looks alike, never from what hides them."""

import cv2
import numpy as np
import pytest
import skimage

from restereo.imaging.propagation import propagate
from restereo.imaging.scenes import random_scene
from restereo.imaging.stereo import warp


def _picture(seed: int, height: int = 90, width: int = 120) -> np.ndarray:
    small = np.random.default_rng(seed).random((height // 6, width // 6, 3)).astype(np.float32)
    return np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def _hole(height: int = 90, width: int = 120) -> np.ndarray:
    seen = np.ones((height, width), bool)
    seen[20:70, 40:60] = False
    return seen


@pytest.mark.parametrize("own", [[0], [0, 1]])
def test_a_linear_relation_is_continued(own: list[int]) -> None:
    guide = np.ascontiguousarray(_picture(1)[..., own])
    colours = 0.1 + guide @ np.full((len(own), 2), [0.4, 0.2], np.float32)
    filled = propagate(guide, np.where(_hole()[..., None], colours, 9), _hole())
    assert np.abs(filled - colours).max() < 0.02


@pytest.mark.parametrize("sides", [(slice(0, 12),), (slice(-12, None),), (slice(0, 9), slice(-9, None))])
def test_a_strip_at_the_frame_has_the_colours_of_what_is_beside_it(sides: tuple[slice, ...]) -> None:
    guide = _picture(2)[..., 0]
    beside = np.array([0.5, 0.25], np.float32)
    seen = np.ones(guide.shape, bool)
    for columns in sides:
        seen[:, columns] = False
    filled = propagate(guide, np.where(seen[..., None], guide[..., None] * beside, 1), seen)
    assert np.abs(filled - guide[..., None] * beside).max() < 0.02


def test_the_eyes_own_channel_tells_what_lies_behind_from_what_hides_it() -> None:
    """A bright orange bar before dark green: the hidden strip beside it is dark, so it becomes green."""
    guide, colours = np.full((90, 120), 0.2, np.float32), np.full((90, 120, 2), (0.4, 0.1), np.float32)
    guide[:, 60:75], colours[:, 60:75] = 0.9, (0.5, 0.0)
    truth, seen = colours.copy(), np.ones((90, 120), bool)
    seen[:, 45:60] = False
    colours[:, 45:60] = colours[:, 60:75]  # as warping does that minds no occlusion
    noise = np.random.default_rng(0).normal(0, 0.01, guide.shape).astype(np.float32)
    assert np.abs(propagate(guide + noise, colours, seen) - truth).max() < 0.02


def test_what_was_not_seen_is_not_looked_at_and_what_was_seen_is_kept() -> None:
    guide, colours, seen = _picture(3)[..., 0], _picture(4)[..., :2], _hole()
    before = guide.copy(), colours.copy(), seen.copy()
    filled = propagate(guide, colours, seen)
    unknown = np.where(seen[..., None], colours, np.nan)
    assert np.array_equal(filled, propagate(guide, unknown, seen))
    assert np.array_equal(filled[seen], colours[seen])
    assert filled.dtype == np.float32
    assert filled.min() >= 0
    assert filled.max() <= 1
    assert all(np.array_equal(a, b) for a, b in zip(before, (guide, colours, seen), strict=True))


def test_with_nothing_unseen_or_nothing_seen() -> None:
    guide, colours = _picture(5)[..., :2], _picture(6)
    everywhere = np.ones(guide.shape[:2], bool)
    assert np.array_equal(propagate(guide, colours, everywhere), colours)
    assert np.array_equal(propagate(guide, colours, ~everywhere), np.repeat(guide.mean(-1, keepdims=True), 3, -1))


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (5, 7), (6, 6), (97, 131)])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_odd_sizes(size: tuple[int, int], share: float) -> None:
    rng = np.random.default_rng(7)
    guide, colours = rng.random(size).astype(np.float32), rng.random((*size, 3)).astype(np.float32)
    filled = propagate(guide, colours, rng.random(size) < share)
    assert filled.shape == (*size, 3)
    assert np.isfinite(filled).all()


def test_a_large_picture_is_learnt_from_in_part_and_fills_alike() -> None:
    guide, colours = _picture(8)[..., 0], _picture(8)
    large = cv2.resize(guide, (1200, 900)), cv2.resize(colours, (1200, 900))
    seen = cv2.resize(_hole().astype(np.uint8), (1200, 900), interpolation=cv2.INTER_NEAREST) > 0
    small = cv2.resize(propagate(guide, colours, _hole()), (1200, 900))
    assert np.abs(propagate(*large, seen) - small)[~seen].mean() < 0.04


@pytest.mark.parametrize("framed", [0, 1])
def test_on_generated_scenes_it_errs_less_than_inpainting_and_ghosts(framed: int) -> None:
    photos = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    squares = []
    for seed in range(6):
        scene = random_scene(photos, np.random.default_rng(seed), (96, 128), 20, framed)
        left, right = (view.astype(np.float32) / 255 for view in (scene.left, scene.right))
        hidden = scene.occlusion[0]
        warped, _ = warp(right, scene.disparity[0], "left")
        filled = propagate(left[..., 0], warped[..., 1:], ~hidden)
        codes = np.rint(255 * warped).astype(np.uint8)
        plain = cv2.inpaint(codes, hidden.astype(np.uint8), 3, cv2.INPAINT_TELEA)[..., 1:] / 255
        truth = left[hidden][:, 1:]
        squares.append([np.mean((one[hidden] - truth) ** 2) for one in (filled, plain, warped[..., 1:])])
    ours, inpainted, ghosts = np.mean(squares, axis=0)
    assert ours < 0.7 * inpainted
    assert ours < 0.4 * ghosts
