"""Predictors without training, which networks have to beat. `BASELINES` has them by name."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from restereo.imaging.anaglyph import eye_channels
from restereo.imaging.matching import MIN_SIDE, disparity_range, match_blind
from restereo.imaging.resampling import larger
from restereo.imaging.stereo import (
    CELLS,
    SHARED_DETAIL,
    Map,
    Mask,
    fill_from_farther_side,
    match,
    shared_detail,
    warp,
)
from restereo.sample import Operator, Prediction, Predictor

Matcher = Callable[[NDArray[np.float32], NDArray[np.float32]], tuple[Map, Mask] | None]

MEDIAN_SIDE = 5
"""Px of the square; the best of 3, 5 and 7 at grain of .10."""


def identity(observed: Tensor, operator: Operator) -> Prediction:
    """Returns the anaglyph as both eyes: what doing nothing scores."""
    return Prediction(torch.cat([observed, observed], dim=1))


def grey(observed: Tensor, operator: Operator) -> Prediction:
    """Returns each eye's own channels, and their mean as its missing ones: what can be had without matching.

    Methods that copy nothing (grey, half-colour, Dubois) are treated alike: the channels that belong mainly to
    an eye are taken for its own. An eye without channels gets the mean of all.

    Example:
        >>> from restereo.methods import METHODS
        >>> p = torch.tensor(METHODS["red-cyan-color"].matrix).unsqueeze(0)
        >>> operator = Operator(p, torch.zeros(1, dtype=torch.bool), torch.ones(1, 3))
        >>> views = grey(torch.tensor([0.5, 0.25, 0.75]).reshape(1, 3, 1, 1), operator).image
        >>> views.flatten().tolist()
        [0.5, 0.5, 0.5, 0.5, 0.25, 0.75]
    """
    views = [_grey_view(observed, own) for own in eye_channels(operator.matrix[0].numpy(force=True))]
    return Prediction(torch.cat(views, dim=1))


def _grey_view(observed: Tensor, own: tuple[int, ...]) -> Tensor:
    """One view `(1, 3, H, W)`: the channels `own` as observed, their mean elsewhere."""
    chosen = list(own) or [0, 1, 2]
    view = observed[:, chosen].mean(dim=1, keepdim=True).repeat(1, 3, 1, 1)
    view[:, list(own)] = observed[:, list(own)]
    return view


def sgbm(observed: Tensor, operator: Operator) -> Prediction:
    """Returns both views, the missing channels warped from the other one, both disparity maps, and confidence 0 or 1.

    OpenCV's SGBM (mode HH, 5x5, three times the usual penalties) on locally normalised channels, both ways; what fails
    the left-right check is filled from the farther side, with confidence 0. It is not told the range of disparities.
    Where the method shows no colours of its own (grey), or nothing can be matched, the views are those of `grey`.
    """
    return _warped(observed, operator, _match)


def sgbm_blind(observed: Tensor, operator: Operator) -> Prediction:
    """Returns the same by contrast-blind matching (`imaging/matching.py`), at half size where JPEG mixed the eyes.

    Between red and green many edges reverse their contrast: it matches strongly coloured scenes that `sgbm` does not.
    """
    return _warped(observed, operator, _match_blind)


def _match(left: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Map, Mask] | None:
    """Disparities of both views, `(2, H, W)`, those that do not agree filled; and where they agree."""
    if (found := match(left, right)) is None:
        return None
    maps, agree = found
    return np.stack([fill_from_farther_side(maps[eye], agree[eye]) for eye in (0, 1)]), agree


def _match_blind(left: NDArray[np.float32], right: NDArray[np.float32]) -> tuple[Map, Mask] | None:
    """The same by contrast-blind matching, very large pictures at a smaller size."""
    if min(left.shape) < MIN_SIDE or (limits := disparity_range(left, right)) is None:
        return None
    scale = min(1.0, (CELLS / (left.size * (limits[1] - limits[0]))) ** (1 / 3))
    found = match_blind(left, right, min(scale, 0.5) if shared_detail(left, right) > SHARED_DETAIL else scale)
    return None if found is None else (found.maps, found.agree)


def _warped(observed: Tensor, operator: Operator, find: Matcher) -> Prediction:
    weights = operator.matrix[0].numpy(force=True)
    own = eye_channels(weights)
    image = grey(observed, operator).image
    if not all(own):
        return Prediction(image)
    picture = np.ascontiguousarray(observed[0].permute(1, 2, 0).numpy(force=True), dtype=np.float32)
    found = find(_compared(picture, own[0]), _compared(picture, own[1]))
    if found is None:
        return Prediction(image)
    filled, agree = found
    if np.linalg.matrix_rank(weights) == len(weights):  # grey methods have equal rows: no colour to warp
        for eye in (0, 1):
            warped, _ = warp(picture, filled[eye], "right" if eye else "left")
            borrowed = list(own[1 - eye])
            image[0, [3 * eye + c for c in borrowed]] = torch.from_numpy(warped).permute(2, 0, 1)[borrowed].to(image)
    confidence = torch.from_numpy(agree.astype(np.float32))
    return Prediction(image, torch.from_numpy(filled)[None].to(image), confidence[None].to(image))


def _compared(picture: NDArray[np.float32], own: tuple[int, ...]) -> NDArray[np.float32]:
    """What is matched of an eye, in [0, 255]: its green, which is likest to both others, or the mean it has."""
    channel: NDArray[np.float32] = picture[..., [1] if 1 in own else list(own)].mean(axis=-1) * np.float32(255)
    return channel


def grey_copy(observed: Tensor, operator: Operator) -> Prediction:
    """Returns the grey picture in three equal channels: what doing nothing scores in colouring."""
    return Prediction(observed.repeat(1, operator.matrix.shape[2], 1, 1))


def median(observed: Tensor, operator: Operator) -> Prediction:
    """Returns the median of 5x5 px of a grey picture in three channels: it removes grain and small dirt."""
    codes = np.rint(observed[0, 0].numpy(force=True) * 255).astype(np.uint8)
    smooth = torch.from_numpy(cv2.medianBlur(codes, MEDIAN_SIDE)).to(observed) / 255
    return Prediction(smooth.expand(1, operator.matrix.shape[2], -1, -1))


def bicubic(observed: Tensor, operator: Operator) -> Prediction:
    """Returns the small views enlarged by bicubic interpolation: what super-resolution has to beat.

    Example:
        >>> operator = Operator(torch.eye(6)[None], torch.tensor([False]), torch.ones(1, 6), scale=4)
        >>> bicubic(torch.rand(1, 6, 4, 5), operator).image.shape
        torch.Size([1, 6, 16, 20])
    """
    return Prediction(larger(observed, operator.scale).clamp(0, 1))


def small_sgbm(observed: Tensor, operator: Operator) -> Prediction:
    """Returns what `bicubic` does, and OpenCV's disparity of the small views, enlarged: what disparity has to beat."""
    image = bicubic(observed, operator).image
    eyes = [np.float32(255) * view.mean(0).numpy(force=True) for view in observed[0].chunk(2)]
    if (found := match(*eyes)) is None:
        return Prediction(image)
    filled = np.stack([fill_from_farther_side(one, agree) for one, agree in zip(*found, strict=True)])
    disparity = operator.scale * torch.from_numpy(filled)[None].to(image)
    return Prediction(image, F.interpolate(disparity, scale_factor=operator.scale, mode="nearest"))


BASELINES: Mapping[str, Predictor] = {
    one.__name__: one for one in (identity, grey, grey_copy, median, bicubic, small_sgbm, sgbm, sgbm_blind)
}
