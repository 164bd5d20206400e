"""Contrast-blind matching: the same disparity whatever colours the eyes show."""

import cv2
import numpy as np
import pytest

from restereo.imaging import matching, stereo


def plane(shift: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two views of a textured plane whose left view lies `shift` px right of its right view."""
    noise = np.random.default_rng(seed).uniform(0, 255, (96, 260)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.5)
    texture = (texture - texture.min()) * (255 / np.ptp(texture))
    return texture[:, 40 - shift : 240 - shift], texture[:, 40:240]


@pytest.mark.parametrize("shift", [24, -14])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_inverted_contrast_matches_as_well(shift, scale):
    left, right = plane(shift)
    found = matching.match_blind(left, 255 - right, scale)
    assert found is not None
    inner = found.maps[:, :, 48:-48]
    assert (np.abs(inner - shift) <= 0.5).mean() > 0.99
    # What intensities alone make of it: nothing that is right.
    blind = stereo.match(left, 255 - right)
    assert blind is None or (np.abs(blind[0][:, :, 48:-48] - shift) <= 0.5).mean() < 0.5


def test_a_flat_eye_matches_nothing():
    left, right = plane(10)
    assert matching.match_blind(left, np.full_like(right, 90)) is None


def test_gaps_are_filled_from_behind_before_they_are_smoothed():
    left, right = plane(20)
    right[30:60, 80:120] = 90  # nothing to see in the right eye
    found = matching.match_blind(left, right)
    assert found is not None
    assert np.isfinite(found.maps).all()
    assert (np.abs(found.maps[0][:, 48:-48] - 20) <= 1).mean() > 0.95
