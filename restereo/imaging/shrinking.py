"""A scene at a smaller size, a stereo scene with its disparities."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from restereo.sample import Scene  # it imports torch, which nothing here needs


def shrunk(scene: "Scene", width: int | None) -> "Scene":
    """Returns the scene with views at most `width` px wide, disparities in the new px; None = as it is.

    Colours are averaged over areas; of disparity and occlusion the nearest pixel is taken, so that edges stay edges.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.zeros((4, 8, 6), np.uint8), np.full((2, 4, 8), 6.0, np.float32))
        >>> small = shrunk(scene, 4)
        >>> small.truth.shape, small.disparity[0].tolist()
        ((2, 4, 6), [[3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0]])
    """
    height, wide = scene.truth.shape[:2]
    if width is None or wide <= width:
        return scene
    size = width, max(1, round(height * width / wide))

    def nearest(maps: NDArray[Any]) -> NDArray[Any]:
        return np.stack([cv2.resize(one, size, interpolation=cv2.INTER_NEAREST_EXACT) for one in maps])

    # Three channels at a time: OpenCV's area average takes four at most.
    views = [cv2.resize(scene.truth[..., i : i + 3], size, interpolation=cv2.INTER_AREA) for i in (0, 3)]
    disparity = None if scene.disparity is None else nearest(scene.disparity.astype(np.float32)) * (width / wide)
    occlusion = None if scene.occlusion is None else nearest(scene.occlusion.astype(np.uint8)).astype(np.bool_)
    return replace(scene, truth=np.concatenate(views, axis=-1), disparity=disparity, occlusion=occlusion)


def shrunk_to_side(scene: "Scene", side: int) -> "Scene":
    """Returns the scene of one view with a shorter side of at most `side` px, colours averaged over areas.

    Example:
        >>> from restereo.sample import Scene
        >>> shrunk_to_side(Scene("a", np.zeros((8, 12, 3), np.uint8)), 4).truth.shape
        (4, 6, 3)
    """
    height, width = scene.truth.shape[:2]
    share = side / min(height, width)
    if share >= 1:
        return scene
    size = max(side, round(width * share)), max(side, round(height * share))
    return replace(scene, truth=np.asarray(cv2.resize(scene.truth, size, interpolation=cv2.INTER_AREA), np.uint8))
