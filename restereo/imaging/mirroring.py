"""A scene seen in a mirror."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from restereo.sample import Scene  # it imports torch, which nothing here needs


def mirrored(scene: "Scene", rng: np.random.Generator) -> "Scene":
    """Returns the scene of one view, every other time mirrored. Pairs: `degrade.augment_scene`.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
        >>> mirrored(scene, np.random.default_rng(1)).truth.tolist()
        [[[0, 1, 2], [3, 4, 5]]]
        >>> mirrored(scene, np.random.default_rng(3)).truth.tolist()
        [[[3, 4, 5], [0, 1, 2]]]
    """
    if rng.random() < 0.5:
        return replace(scene, truth=np.ascontiguousarray(scene.truth[:, ::-1]))
    return scene
