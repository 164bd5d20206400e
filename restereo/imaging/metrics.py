"""How far a picture is from the truth: pure functions on uint8 pictures and on disparity maps.

The six channels of a stereo picture `(H, W, 6)` are left R, G, B, then right R, G, B.
"""

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging.stereo import Eye, warp
from restereo.methods import AnaglyphMethod

CAP: Final = 100.0
"""dB given for a perfect copy, so that means over scenes stay finite."""

BESIDE: Final = 0.05
"""What is beside a strip: up to this share of the width away."""

SSIM_SIGMA: Final = 1.5
SSIM_RADIUS: Final = 5
"""The 11-pixel window of Wang et al. 2004: truncated at 3.5 sigma, as scikit-image does."""


def _decibel(error: float) -> float:
    return CAP if error <= 0 else min(CAP, float(10 * np.log10(255.0**2 / error)))


def _same_size(a: Picture, b: Picture) -> None:
    if a.shape != b.shape:
        raise UserError(f"pictures of different sizes ({a.shape} and {b.shape}); compare pictures of one size.")


def psnr(a: Picture, b: Picture) -> float:
    """Returns the peak signal-to-noise ratio in dB, over all pixels and channels; 100 for a perfect copy.

    Args:
        a: `(H, W)` or `(H, W, C)` uint8.
        b: The same shape.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> round(psnr(np.zeros((2, 2), np.uint8), np.full((2, 2), 255, np.uint8)), 3)
        0.0
    """
    _same_size(a, b)
    difference = a.astype(np.float32) - b.astype(np.float32)
    return _decibel(float(np.mean(np.square(difference), dtype=np.float64)))


def missing_channels(method: AnaglyphMethod) -> NDArray[np.bool_] | None:
    """Returns which of the six channels an anaglyph method hides, `(6,)` bool, or None where it copies none as it is.

    A row of P that is one 1 and zeros shows that channel as it is. Of a method whose rows are not all copies
    (half-colour, grey, Dubois), or that changes values after (a gamma, linear light), the whole of both views counts.

    Example:
        >>> from restereo.methods import METHODS
        >>> missing_channels(METHODS["red-cyan-color"]).tolist()
        [False, True, True, True, False, False]
        >>> missing_channels(METHODS["red-cyan-half"]) is None, missing_channels(METHODS["red-cyan-gaia"]) is None
        (True, True)
    """
    if method.transfer != "encoded" or set(method.exponent) != {1.0}:
        return None
    weights = np.asarray(method.matrix, dtype=np.float64)
    weights = weights[np.any(weights != 0, axis=1)]
    copies = (np.sum(weights != 0, axis=1) == 1) & np.any(weights == 1, axis=1)
    return ~np.any(weights == 1, axis=0) if copies.all() and len(copies) else None


def missing_psnr(
    prediction: Picture,
    truth: Picture,
    missing: NDArray[np.bool_] | None,
    where: NDArray[np.bool_] | None = None,
) -> float:
    """Returns 10 log10(255² / MSE) in dB with the MSE pooled over the channels that the anaglyph hid.

    Args:
        prediction: `(H, W, 6)` uint8, both views.
        truth: The same.
        missing: `(6,)` bool of `missing_channels`; None: all six.
        where: `(2, H, W)` bool, the pixels of the left and the right view that count; None: all.

    Returns:
        dB, at most 100; NaN where no pixel counts.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> truth = np.zeros((1, 2, 6), np.uint8)
        >>> prediction = truth.copy()
        >>> prediction[0, 0, 1] = 255
        >>> hidden = np.array([False, True, True, True, False, False])
        >>> round(missing_psnr(prediction, truth, hidden), 2), missing_psnr(prediction, truth, ~hidden)
        (7.78, 100.0)
    """
    _same_size(prediction, truth)
    hidden = np.ones(6, np.bool_) if missing is None else missing
    total, count = 0.0, 0
    for channel in np.flatnonzero(hidden):
        square = np.square(prediction[..., channel].astype(np.float32) - truth[..., channel].astype(np.float32))
        chosen = square if where is None else square[where[channel // 3]]
        total += float(chosen.sum(dtype=np.float64))
        count += chosen.size
    return _decibel(total / count) if count else float("nan")


def ssim(a: Picture, b: Picture) -> float:
    """Returns the mean structural similarity of two RGB pictures, in [-1, 1] (Wang et al. 2004; skimage).

    Gaussian window, sigma 1.5 (11 pixels), population covariance, range 255, K1 .01, K2 .03; per channel,
    then the mean. A picture with a side under 11 pixels is first continued by repeating its border.

    Args:
        a: `(H, W, 3)` uint8.
        b: The same.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> picture = np.arange(768, dtype=np.uint8).reshape(16, 16, 3)
        >>> ssim(picture, picture)
        1.0
    """
    from skimage.metrics import structural_similarity

    _same_size(a, b)
    window = 2 * SSIM_RADIUS + 1
    short = [max(0, window - side) for side in a.shape[:2]]
    if any(short):
        margins = [*((n - n // 2, n // 2) for n in short), (0, 0)]
        a, b = (np.pad(picture, margins, mode="edge") for picture in (a, b))
    settings = {"gaussian_weights": True, "sigma": SSIM_SIGMA, "use_sample_covariance": False}
    return float(structural_similarity(a, b, channel_axis=2, data_range=255, **settings))


def ciede2000(a: Picture, b: Picture) -> float:
    """Returns the mean CIEDE2000 colour difference of two sRGB pictures (scikit-image, D65); 0 = equal.

    Args:
        a: `(H, W, 3)` uint8.
        b: The same.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> white, black = np.full((1, 1, 3), 255, np.uint8), np.zeros((1, 1, 3), np.uint8)
        >>> round(ciede2000(white, black))
        100
    """
    from skimage.color import deltaE_ciede2000, rgb2lab

    _same_size(a, b)
    # In float32 it takes two thirds of the time and half the memory, and errs by less than 1e-6.
    ours, theirs = (rgb2lab(picture / np.float32(255)) for picture in (a, b))
    return float(np.mean(deltaE_ciede2000(ours, theirs), dtype=np.float64))


def epe(disparity: NDArray[np.floating[Any]], truth: NDArray[np.floating[Any]]) -> float:
    """Returns the mean absolute disparity error in px, over pixels where both are finite; NaN without any.

    Args:
        disparity: Any shape, px, NaN = unknown.
        truth: The same shape.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> epe(np.array([1.0, 4.0]), np.array([2.0, np.nan]))
        1.0
    """
    if disparity.shape != truth.shape:
        raise UserError(f"disparity maps of different sizes ({disparity.shape} and {truth.shape}); give one size.")
    known = np.isfinite(disparity) & np.isfinite(truth)
    difference = np.abs(disparity[known].astype(np.float64) - truth[known])
    return float(difference.mean()) if difference.size else float("nan")


def ghost(
    prediction: Picture,
    truth: Picture,
    missing: NDArray[np.bool_] | None,
    disparity: NDArray[np.floating[Any]],
    occlusion: NDArray[np.bool_],
) -> float:
    """Returns how much an answer's occluded pixels show of what hides them, in [-1, 1]: 0 is nothing, 1 nothing else.

    What hides a pixel is what the other eye shows at the place where the pixel would be seen, x - d of the left and
    x + d of the right view with its own true d: whoever warps colours without minding occlusion copies that, and the
    hiding object is seen twice. The figure is the partial correlation of the error with it, given the truth t:

        (r_eh - r_et r_ht) / sqrt((1 - r_et²) (1 - r_ht²)),

    pooled over the pixels and missing channels of both views. Given t, because an answer that is merely unsure is
    drawn to the mean, so that its error falls as t rises, and neighbours have colours in common: neither is a ghost.

    Args:
        prediction: `(H, W, 6)` uint8, both views.
        truth: The same.
        missing: `(6,)` bool of `missing_channels`; None: all six.
        disparity: `(2, H, W)` of both true views in px, NaN = unknown.
        occlusion: `(2, H, W)` bool, the pixels that the other eye does not see. Those that it would see beyond its
            frame have nothing that hides them, and do not count.

    Returns:
        NaN where no pixel counts, or what hides them cannot be told from the truth.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> truth = np.random.default_rng(0).integers(0, 256, (8, 8, 6), np.uint8)
        >>> maps, hidden = np.zeros((2, 8, 8)), np.ones((2, 8, 8), np.bool_)
        >>> ghost(truth[..., [3, 4, 5, 0, 1, 2]], truth, None, maps, hidden), ghost(truth, truth, None, maps, hidden)
        (1.0, 0.0)
    """
    _same_size(prediction, truth)
    chosen = np.ones(6, np.bool_) if missing is None else missing
    left, right = slice(0, 3), slice(3, 6)
    views: list[tuple[Eye, slice, slice]] = [("left", left, right), ("right", right, left)]
    samples = []
    for (eye, own, other), d, occluded in zip(views, disparity, occlusion, strict=True):
        hider, inside = warp(truth[..., other], d, eye)
        where = inside & occluded
        pictures = (prediction[..., own], hider, truth[..., own])
        samples.append(np.stack([picture[where][:, chosen[own]].ravel() for picture in pictures]))
    answer, hider, true = np.concatenate(samples, axis=1).astype(np.float64)
    if len(true) < 2:
        return float("nan")
    error, hider = (_unexplained(values, true) for values in (answer - true, hider))
    power = float(np.sqrt((error @ error) * (hider @ hider)))
    if hider @ hider < 1e-9 * hider.size:
        return float("nan")
    return float(np.clip(error @ hider / power, -1, 1)) if error @ error > 1e-9 * error.size else 0.0


def strip_saturation(picture: Picture, truth: Picture, disparity: NDArray[Any], occlusion: NDArray[np.bool_]) -> float:
    """Returns the share of pixels of the frame's strips that are more saturated than what is beside the strips.

    A strip is what one eye alone sees because the other eye's frame, or its black rim, ends there; a view's own black
    rim is one, too. Saturation is the largest less the smallest of R, G and B; beside a strip is what both eyes see up
    to `BESIDE` of the width from it, and more is more than its 95th percentile. So .05 is like what is beside;
    a strip that keeps the anaglyph's pure red or cyan comes near 1.

    Args:
        picture: `(H, W, 6)` uint8, both views.
        truth: The same, of the truth: where it is black up to 2 codes is a rim.
        disparity: `(2, H, W)` of both true views in px, NaN = unknown.
        occlusion: `(2, H, W)` bool, the pixels that the other eye does not see.

    Returns:
        NaN without any strip, or with nothing beside it.

    Raises:
        UserError: The sizes differ.

    Example:
        >>> grey = np.full((8, 40, 6), 90, np.uint8)
        >>> red, maps = grey.copy(), np.full((2, 8, 40), 4.0)
        >>> red[:, :4, 0] = red[:, -4:, 3] = 255
        >>> hidden = np.zeros((2, 8, 40), np.bool_)
        >>> hidden[0, :, :4] = hidden[1, :, -4:] = True
        >>> strip_saturation(red, grey, maps, hidden), strip_saturation(grey, grey, maps, hidden)
        (1.0, 0.0)
    """
    _same_size(picture, truth)
    over, count = 0, 0
    for eye, (own, other) in enumerate(((slice(0, 3), slice(3, 6)), (slice(3, 6), slice(0, 3)))):
        counterpart, inside = warp(truth[..., other], disparity[eye], "right" if eye else "left")
        black = np.minimum(counterpart.max(-1), truth[..., own].max(-1)) <= 2
        strip = occlusion[eye] & np.isfinite(disparity[eye]) & (~inside | black)
        reach = 2 * round(BESIDE * strip.shape[1]) + 1
        beside = cv2.dilate(strip.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        saturation = np.ptp(picture[..., own], axis=-1)
        around = saturation[beside & ~occlusion[eye]]
        if strip.any() and around.size:
            over += int((saturation[strip] > np.percentile(around, 95)).sum())
            count += int(strip.sum())
    return over / count if count else float("nan")


def _unexplained(values: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns what the best straight line through `by` leaves of the values."""
    values, by = values - values.mean(), by - by.mean()
    slope = float(values @ by) / max(float(by @ by), 1e-12)
    return values - slope * by
