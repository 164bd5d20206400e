"""What is wrong with two pictures as the views of one scene, told from them alone."""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from restereo.imaging.eyes import matched_share, order_score
from restereo.imaging.geometry import vertical_offset

Fault = Literal["rows", "scenes", "order"]

ROWS: Final = 3.0
ROWS_SHARE: Final = 0.01
"""Px, and share of the height, that rows of good pairs may disagree by: as stage `validate` has it."""
ONE_SCENE: Final = 0.5
"""Matched share from which two views show one scene (43 training pairs, at a width of 640 px and at a quarter of it: at
least .75; the left views beside other pairs' right views: at most .25)."""
SWAPPED: Final = -0.7
"""`order_score` under which views are swapped: as stage `validate` has it (all 43 swapped pairs, and 41 small ones)."""


def faults(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> dict[Fault, float]:
    """Returns the figure of each fault: by how many px rows disagree, the share that matches, the score of the order.

    Of what could not be told nothing is said. A worse fault comes first, and hides what cannot be judged beside it.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same size.

    Example:
        >>> import skimage
        >>> left, right, _ = skimage.data.stereo_motorcycle()
        >>> list(faults(left, right)), list(faults(right, left)), list(faults(left, right[::-1]))
        ([], ['order'], ['scenes'])
    """
    offset = vertical_offset(left, right)
    if abs(offset) > max(ROWS, ROWS_SHARE * left.shape[0]):
        return {"rows": offset}
    share = matched_share(left, right)
    if share < ONE_SCENE:
        return {"scenes": share}
    score = order_score(left, right)
    return {"order": score} if score < SWAPPED else {}
