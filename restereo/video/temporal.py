"""Disparities and colours of a film held steady: what did not change in the film does not change in the views.

Every frame is matched and coloured anew, and each answer is a little different: seen one after the other they flicker.
So what was known of a point is brought along its motion, and the new answer is drawn towards it as far as the point
looks as it did. Where the motion is not found, and at cuts, nothing is kept.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.layers import projection
from restereo.layers.match import Match
from restereo.sample import Operator
from restereo.video import motion

Grey = NDArray[np.uint8]
Array = NDArray[np.float32]

STEP = 0.3
"""Share of a new disparity, where it is close to the old one."""
CLOSE = 0.002
"""Share of the width by which a disparity may change from frame to frame and still be the same, besides 1 px."""
KEPT = 0.85
"""What agreement is multiplied by for each frame in which it is only remembered."""
HOLD = 0.8
"""Share of the old colour, where the film did not change."""
SIGMA = 3.0
"""Px over which differences of colour are evened out: what flickers is blotches, and detail must stay that of now."""


@dataclass(frozen=True)
class Motion:
    """Where each pixel of all V views was before, `(V, H, W, 2)` px, and how sure that is, `(V, H, W)` in [0, 1]."""

    moved: Array
    trusted: Array


def eyes_of(observed: Tensor, operator: Operator) -> Grey:
    """Returns `(V, H, W)` uint8: what is observed of each view, its channels weighted by how surely they are known.

    Args:
        observed: `(1, C, H, W)` in [0, 1].
        operator: What it is of V views, of three channels each.

    Example:
        >>> grey = Operator(torch.full((1, 1, 3), 1 / 3), torch.tensor([False]), torch.ones(1, 1))
        >>> eyes_of(torch.full((1, 1, 2, 4), 0.4), grey).shape
        (1, 2, 4)
    """
    views = projection.linear_estimate(observed, operator)[0].unflatten(0, (-1, 3))
    spread = projection.estimate_spread(operator).reshape(-1, 3, 1, 1)
    sure = 1 / (spread.square() + 1e-3)
    grey = (views * sure).sum(1) / sure.sum(1)
    codes: Grey = grey.mul(255).round().clamp(0, 255).byte().numpy(force=True)
    return codes


def motion_between(now: Grey, before: Grey) -> Motion | None:
    """Returns the motion of all views `(V, H, W)` uint8, or None at a cut.

    Example:
        >>> still = np.tile(np.arange(64, dtype=np.uint8) * 3, (2, 32, 1))
        >>> motion_between(still, still) is None, motion_between(still, 255 - still) is None
        (False, True)
    """
    moved = np.stack([motion.motion(*pair) for pair in zip(now, before, strict=True)])
    trusted = np.stack([motion.trust(*trio) for trio in zip(now, before, moved, strict=True)])
    return None if motion.is_cut(trusted) else Motion(moved, trusted)


def steady_match(new: Match, old: Match, between: Motion) -> Match:
    """Returns the match of now, drawn towards that of before.

    Close disparities are mixed. Of two that differ, the one that both eyes agree on counts; if both do, the new one. An
    agreement that is missing now is remembered for some frames.

    Args:
        new: `(1, 2, H, W)` each.
        old: Likewise, of the frame before.
        between: The motion since.
    """
    one = [_numpy(part) for part in new]
    was = [_laid(_numpy(part), between) for part in old]
    sure = between.trusted > 0.5
    close = np.abs(one[0] - was[0]) <= max(1.0, CLOSE * one[0].shape[-1])
    remembered = was[1] * KEPT
    agrees, agreed = one[1] > 0.5, remembered > 0.5
    mixed = was[0] + STEP * (one[0] - was[0])
    disparity = np.where(sure & (close | ~agrees & ~agreed), mixed, one[0])
    keep = sure & ~close & ~agrees & agreed
    disparity = np.where(keep, was[0], disparity)
    agreement = np.where(agrees, 1.0, np.where(sure & agreed, remembered, 0.0))
    support = np.where(keep, was[2], one[2])
    return Match(*(torch.from_numpy(part.astype(np.float32))[None] for part in (disparity, agreement, support)))


def told(match: Match, device: torch.device) -> Match:
    """Returns the match as networks know it, an agreement being 0 or 1, on their device."""
    known = match._replace(agreement=(match.agreement > 0.5).float())
    return Match(*(part.to(device) for part in known))


def steady_colours(new: Tensor, old: Tensor, between: Motion) -> Tensor:
    """Returns the views `(1, 3V, H, W)` of now, their colours drawn towards those of before; detail stays that of now.

    Args:
        new: `(1, 3V, H, W)` in [0, 1].
        old: Likewise, of the frame before.
        between: The motion since.
    """
    now, before = (x[0].numpy(force=True) for x in (new, old))
    steadied = []
    for eye, trusted in enumerate(between.trusted):
        own = slice(3 * eye, 3 * eye + 3)
        views = [np.ascontiguousarray(x[own].transpose(1, 2, 0)) for x in (now, before)]
        change = motion.fetched(views[1], between.moved[eye]) - views[0]
        weight = cv2.GaussianBlur(trusted, (0, 0), SIGMA)
        even = cv2.GaussianBlur(change * trusted[..., None], (0, 0), SIGMA) / (weight + 1e-3)[..., None]
        steadied.append(views[0] + HOLD * trusted[..., None] * even)
    both = np.concatenate(steadied, axis=2).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(both)).clamp(0, 1)[None]


def _numpy(part: Tensor) -> Array:
    array: Array = part[0].numpy(force=True)
    return array


def _laid(maps: Array, between: Motion) -> Array:
    pairs = zip(maps, between.moved, strict=True)
    return np.stack([motion.fetched(np.ascontiguousarray(one), moved, smooth=False) for one, moved in pairs])


@dataclass
class Memory:
    """What is remembered of the frame before.

    Attributes:
        eyes: `(V, H, W)` uint8.
        views: `(3V, H, W)` uint8.
        match: The steadied match, or None if the network matches nothing.
    """

    eyes: Grey
    views: NDArray[np.uint8]
    match: Match | None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns all of it, to be written to a file."""
        parts = {} if self.match is None else {name: _numpy(part) for name, part in self.match._asdict().items()}
        return {"eyes": self.eyes, "views": self.views, **parts}

    @staticmethod
    def of(arrays: dict[str, NDArray[Any]]) -> "Memory | None":
        """Returns what `arrays` gave, or None if there was nothing yet."""
        if "eyes" not in arrays:
            return None
        parts = [torch.from_numpy(arrays[name].copy())[None] for name in Match._fields if name in arrays]
        return Memory(arrays["eyes"], arrays["views"], Match(*parts) if parts else None)
