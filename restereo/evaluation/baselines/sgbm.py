"""Classical stereo: match the eyes' own channels, then bring the missing colours over from the other view."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.evaluation.baselines.grey import grey_of
from restereo.imaging.anaglyph import eye_channels
from restereo.imaging.stereo import Eye, fill_from_farther_side, match, warp
from restereo.sample import Operator, Prediction, Predictor

EYES: tuple[Eye, Eye] = ("left", "right")


def build() -> Predictor:
    """Returns the predictor that matches by OpenCV's SGBM and warps the other view's observed channels.

    SGBM (mode HH, 5x5, three times the usual penalties) on locally normalised channels, both ways; what fails
    the left-right check is filled from the farther side. It is not told the range of disparities. Where the
    method shows no colours of its own (grey), or nothing can be matched, it gives what `grey` gives.

    Example:
        >>> from restereo.methods import METHODS
        >>> p = torch.tensor(METHODS["red-cyan-color"].matrix).unsqueeze(0)
        >>> operator = Operator(p, torch.zeros(1, dtype=torch.bool), torch.ones(1, 3))
        >>> build()(torch.rand(1, 3, 1, 1), operator).image.shape
        torch.Size([1, 6, 1, 1])
    """
    return predict


def predict(observed: Tensor, operator: Operator) -> Prediction:
    """Returns both views `(1, 6, H, W)`, both disparity maps, and where they agree as confidence 0 or 1."""
    weights = operator.matrix[0].numpy(force=True)
    own = eye_channels(weights)
    image = torch.cat([grey_of(observed, channels) for channels in own], dim=1)
    if not all(own):
        return Prediction(image)
    picture = np.ascontiguousarray(observed[0].permute(1, 2, 0).numpy(force=True), dtype=np.float32)
    found = match(_compared(picture, own[0]), _compared(picture, own[1]))
    if found is None:
        return Prediction(image)
    maps, agree = found
    filled = np.stack([fill_from_farther_side(maps[eye], agree[eye]) for eye in (0, 1)])
    if np.linalg.matrix_rank(weights) == len(weights):  # grey methods have equal rows: no colour to bring over
        for eye, name in enumerate(EYES):
            seen, _ = warp(picture, filled[eye], name)
            borrowed = list(own[1 - eye])
            image[0, [3 * eye + c for c in borrowed]] = torch.from_numpy(seen).permute(2, 0, 1)[borrowed].to(image)
    confidence = torch.from_numpy(agree.astype(np.float32))
    return Prediction(image, torch.from_numpy(filled)[None].to(image), confidence[None].to(image))


def _compared(picture: NDArray[np.float32], own: tuple[int, ...]) -> NDArray[np.float32]:
    """What is matched of an eye, in [0, 255]: its green, which is likest to both others, or the mean it has."""
    channel: NDArray[np.float32] = picture[..., [1] if 1 in own else list(own)].mean(axis=-1) * np.float32(255)
    return channel
