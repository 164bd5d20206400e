"""Colour against scikit-image and against the definition."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from restereo.imaging.color import chroma_error, colourfulness, lab_to_rgb, rgb_to_lab
from restereo.tasks import to_tensor
from tests.conftest import smooth_picture


def test_lab_is_that_of_scikit_image():
    picture = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    ours = rgb_to_lab(to_tensor(picture))
    np.testing.assert_allclose(ours[0].permute(1, 2, 0), rgb2lab(picture), atol=0.01)
    torch.testing.assert_close(lab_to_rgb(ours), to_tensor(picture), atol=1e-4, rtol=0)
    other = picture[::-1].copy()
    assert chroma_error(picture, other) == pytest.approx(
        np.abs(rgb2lab(picture) - rgb2lab(other))[..., 1:].mean(), abs=0.01
    )


def test_colourfulness_is_that_of_the_paper():
    """Hasler & Süsstrunk 2003, computed here from the definition."""
    picture = smooth_picture(2, 30, 40)
    r, g, b = (picture[..., c].astype(float) for c in range(3))
    rg, yb = r - g, (r + g) / 2 - b
    expected = np.sqrt(rg.var() + yb.var()) + 0.3 * np.sqrt(rg.mean() ** 2 + yb.mean() ** 2)
    assert colourfulness(picture) == pytest.approx(expected)
