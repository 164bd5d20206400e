"""What the matching network looks at: each eye's structure, whatever its colours, and a classical match as a hint.

All of it is computed on the processor by OpenCV, most of it at half size, where JPEG 4:2:0 does not mix the eyes.
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from restereo.imaging import matching
from restereo.layers.match import compared

CHANNELS = 15
"""Of `Clues.eyes`: 4 of fine structure, 3 of coarse, mean and spread of the surroundings, 3 colours, 3 spreads."""


class Clues(NamedTuple):
    """What is known of both eyes before the network looks.

    Attributes:
        eyes: `(2B, CHANNELS, H / 2, W / 2)`, all left eyes, then all right ones.
        hint: `(B, 2, H / 2, W / 2)`, the classical disparity in px of that size.
        agree: Likewise, 1 where both eyes name it, else 0.
        low: The least disparity that is compared, in px at full size.
        limits: What lies outside of these two disparities, in px, is not believed.
    """

    eyes: Tensor
    hint: Tensor
    agree: Tensor
    low: int
    limits: tuple[int, int]


def own_channels(x: Tensor) -> NDArray[np.float32]:
    """Returns what each eye is compared by, `(B, 2, H, W)` in [0, 255], of lifted pictures `(B, 12, H, W)`."""
    eyes = [compared(x[:, 3 * eye : 3 * eye + 3], x[:, 6 + 3 * eye : 9 + 3 * eye]) for eye in (0, 1)]
    return np.asarray(255 * torch.stack(eyes, 1).numpy(force=True).clip(0, 1), np.float32)


def look(x: Tensor, low: int, limits: tuple[int, int]) -> Clues:
    """Returns the clues of lifted pictures `(B, 12, H, W)`, H and W even.

    Args:
        x: The linear estimate of both views and the spread of each of its channels.
        low: The least disparity to compare, in px.
        limits: Least and greatest disparity that the pictures may show.
    """
    structures, hints, agreements = [], [], []
    for left, right in own_channels(x):
        seen = [_seen(eye) for eye in (left, right)]
        structures.append([one for one, _ in seen])
        found = matching.match_channels(seen[0][1], seen[1][1], limits[0] // 2, -(-limits[1] // 2))
        hints.append(found.maps)
        agreements.append(found.agree)
    parts = torch.from_numpy(np.stack(structures)).to(x)  # (B, 2, 9, h, w)
    eyes = torch.cat([parts[:, 0], parts[:, 1]])
    colours = F.avg_pool2d(torch.cat([x[:, :3], x[:, 3:6]]), 2)
    spreads = torch.cat([x[:, 6:9], x[:, 9:12]])[..., ::2, ::2]
    return Clues(
        torch.cat([eyes, colours - 0.5, spreads], dim=1),
        torch.from_numpy(np.stack(hints)).to(x),
        torch.from_numpy(np.stack(agreements)).to(x),
        low,
        limits,
    )


def _seen(eye: NDArray[np.float32]) -> tuple[NDArray[np.float32], matching.Channels]:
    """What the network sees of an eye `(H, W)`: `(9, H / 2, W / 2)`; and what the classical match compares."""
    height, width = eye.shape
    small = matching.reduced(eye, width // 2, height // 2)
    mean = cv2.GaussianBlur(small, (0, 0), matching.SIGMA)
    spread = np.sqrt(np.maximum(cv2.GaussianBlur(small * small, (0, 0), matching.SIGMA) - mean * mean, 0))
    fine = matching.locally_normalised(eye) / 3
    cells = [fine[y::2, x::2] for y in (0, 1) for x in (0, 1)]
    structure = matching.structure(small)
    coarse = (structure.transpose(2, 0, 1).astype(np.float32) - 128) / 64
    seen = np.concatenate([np.stack(cells), coarse, mean[None] / 255 - 0.5, np.log1p(spread)[None] / 4])
    return np.asarray(seen, np.float32), structure
