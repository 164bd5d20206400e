"""What is wrong with two pictures as the views of one scene, judged from them alone, and the unit of their disparity.

Whether the left picture is the left eye's is said by three witnesses, none of them sure on its own. Swapping the eyes
negates every disparity. That alone proves nothing: photographers shift a pair until all of it lies behind the screen,
which negates them too. So two witnesses that a shift leaves alone have their say: what is low in a picture is mostly
nearer, and what only one eye sees belongs to the farther surface, so it looks like that one.
"""

from typing import Any, Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture
from restereo.imaging.stereo import MIN_SIDE, Map, Mask, match, warp

Fault = Literal["rows", "scenes", "order"]

ROWS: Final = 3.0
ROWS_SHARE: Final = 0.01
"""Px, and share of the height, that rows of good pairs may disagree by: as stage `validate` has it."""
ONE_SCENE: Final = 0.5
"""Matched share from which two views show one scene (43 training pairs, at a width of 640 px and at a quarter of it: at
least .75; the left views beside other pairs' right views: at most .25)."""
SWAPPED: Final = -0.7
"""`order_score` under which views are swapped: as stage `validate` has it (all 43 swapped pairs, and 41 small ones)."""
WIDTH: Final = 256
"""Px that a pair is reduced to: a hidden strip stays some px wide, and a match takes a tenth of a second."""
SIGN_WEIGHT: Final = 0.7
LEAN_WEIGHT: Final = 1.0
STRIP_WEIGHT: Final = 2.0
"""Of 43 real training pairs the sum is then .87 to 3.04, swapped -3.04 to -.83; cut so that nearly all lies behind the
screen (15 % of the width), but not swapped, -.53 and more. A limit of -.7 parts them; it was settled on these pairs."""
LEAST_MATCHED: Final = 0.3
LEAST_CONTRAST: Final = 3.0
"""Deviation in codes under which a picture says nothing."""
LEAST_DEPTH: Final = 1.0
"""Px on the reduced picture: of a flat scene nobody can say which eye saw it."""
LEAST_STRIPS: Final = 20
EDGE: Final = 3
SIDE: Final = 7
"""Matched px that a hidden strip needs on either side, and how far from it the surfaces' colour is taken."""
LEAST_JUMP: Final = 2.0
SCALES: Final = (1.0, 2.0, 3.0, 4.0, 8.0, 16.0, 256.0)
"""Divisors in use: Middlebury third size 3, half 2, quarter 4, 2001 and 2003 8 and 4, Tsukuba 16, KITTI 256."""


def faults(left: Picture, right: Picture) -> dict[Fault, float]:
    """Returns the figure of each fault: by how many px rows disagree, the share that matches, the score of the order.

    What cannot be judged is no fault. A worse fault comes first, and hides what cannot be judged beside it.

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


def order_score(left: Picture, right: Picture) -> float:
    """Returns how much speaks for `left` being the left eye's, about -3.7 to 3.7; NaN if it cannot be judged.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same size.

    Example:
        >>> import skimage
        >>> left, right, _ = skimage.data.stereo_motorcycle()
        >>> order_score(left, right) > 0.7, order_score(right, left) < -0.7
        (True, True)
    """
    views, found = _matched(left, right)
    if found is None:
        return float("nan")
    maps, agree = found
    seen = maps[0][agree[0]]
    if agree[0].mean() < LEAST_MATCHED or np.ptp(np.percentile(seen, [2, 98])) < LEAST_DEPTH:
        return float("nan")
    sign = float((seen > 0.5).mean() - (seen < -0.5).mean())
    lean = float(np.corrcoef(np.nonzero(agree[0])[0], seen)[0, 1])
    # Mirrored, the right eye is the left one.
    own = _strips(views[0], maps[0], agree[0])
    other = _strips(views[1][:, ::-1], maps[1][:, ::-1], agree[1][:, ::-1])
    return SIGN_WEIGHT * sign + LEAN_WEIGHT * lean + STRIP_WEIGHT * _likeness(np.concatenate([own, other], axis=1))


def matched_share(left: Picture, right: Picture) -> float:
    """Returns the share of the left view's pixels, in [0, 1], for which both eyes name the same match; NaN: too flat.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same size.

    Example:
        >>> import skimage
        >>> left, right, _ = skimage.data.stereo_motorcycle()
        >>> matched_share(left, right) > 0.7, matched_share(left, right[::-1]) < 0.3
        (True, True)
    """
    if min(left.shape[:2]) < MIN_SIDE or min(float(left.std()), float(right.std())) < LEAST_CONTRAST:
        return float("nan")
    found = _matched(left, right)[1]
    return 0.0 if found is None else float(found[1][0].mean())


def _matched(left: Picture, right: Picture) -> tuple[list[Picture], tuple[Map, Mask] | None]:
    """The reduced views, and what is matched of them."""
    height, width = left.shape[:2]
    scale = min(1.0, WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    views = [np.asarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), np.uint8) for view in (left, right)]
    channels = [cv2.cvtColor(view, cv2.COLOR_RGB2GRAY).astype(np.float32) for view in views]
    return views, match(channels[0], channels[1])


def _likeness(strips: NDArray[np.float64]) -> float:
    """Returns from -1 to 1 how much more the strips look like their farther side; 0.0 if there are too few."""
    far, near = strips
    total = float((far + near).sum())
    return float((near - far).sum()) / total if far.size >= LEAST_STRIPS and total > 0 else 0.0


def _strips(view: Picture, disparity: NDArray[np.float32], agree: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Returns `(2, N)`: how much each strip that only the left eye sees differs from its farther and nearer side."""
    padded = np.pad(agree.astype(np.int8), ((0, 0), (1, 1)), constant_values=1)
    step = np.diff(padded, axis=1)
    (row, start), (_, end) = np.nonzero(step == -1), np.nonzero(step == 1)
    inside = (start >= SIDE) & (end <= agree.shape[1] - SIDE) & (end - start >= 2)
    row, start, end = row[inside], start[inside], end[inside]
    matched = np.pad(np.cumsum(agree, axis=1, dtype=np.int64), ((0, 0), (1, 0)))
    both = matched[row, start] - matched[row, start - EDGE] + matched[row, end + EDGE] - matched[row, end] == 2 * EDGE
    row, start, end = row[both], start[both], end[both]
    away = np.arange(EDGE)
    before = np.median(disparity[row[:, None], start[:, None] - 1 - away], axis=1)
    after = np.median(disparity[row[:, None], end[:, None] + away], axis=1)
    jump, length = after - before, end - start
    fits = (jump >= LEAST_JUMP) & (length >= 0.4 * jump) & (length <= 2.5 * jump + 2)
    row, start, end = row[fits], start[fits], end[fits]
    total = np.pad(np.cumsum(view, axis=1, dtype=np.float64), ((0, 0), (1, 0), (0, 0)))

    def mean(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.asarray((total[row, last] - total[row, first]) / (last - first)[:, None])

    strip, far, near = mean(start, end), mean(start - SIDE, start - EDGE + 1), mean(end + EDGE - 1, end + SIDE)
    return np.stack([np.abs(strip - side).sum(axis=1) for side in (far, near)])


def infer_disparity_scale(left: Picture, right: Picture, raw: NDArray[Any]) -> float:
    """Returns the divisor that turns a raw left disparity map into px, or 0.0 if the pictures do not tell.

    Every divisor in use (`SCALES`) is tried: the right view, warped by raw / divisor, must explain the left
    one. 0.0 is given when the best is not at least 10 % better than no disparity at all.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same.
        raw: `(H, W)`, the values of the file; 0, NaN and infinity are unknown.

    Example:
        >>> row = np.random.default_rng(0).integers(0, 256, (20, 80, 3), np.uint8)
        >>> infer_disparity_scale(row, np.roll(row, -3, axis=1), np.full((20, 80), 24.0))
        8.0
    """
    known = np.isfinite(raw) & (raw > 0)
    if not known.any():
        return 0.0
    disparity = np.where(known, raw, np.nan)

    def unexplained(divisor: float) -> float:
        seen, inside = warp(right, disparity / divisor, "left")
        error = np.abs(seen.astype(np.float32) - left).mean(axis=-1)
        # A pixel pushed out of the frame counts as wholly wrong, or a divisor that moves all of them out would
        # win; the worst 30 % are left out, because occluded pixels are wrong under the true divisor too.
        ranked = np.sort(np.where(inside, error, 255.0)[known])
        return float(ranked[: max(1, int(0.7 * len(ranked)))].mean())

    errors = {scale: unexplained(scale) for scale in SCALES}
    best = min(errors, key=lambda scale: errors[scale])
    return best if errors[best] < 0.9 * unexplained(np.inf) else 0.0


def vertical_offset(left: Picture, right: Picture) -> float:
    """Returns how many px lower the right view shows the scene (median over ORB matches), NaN if it cannot be judged.

    Args:
        left: `(H, W, 3)` uint8.
        right: The same.

    Example:
        >>> texture = cv2.resize(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8), (400, 320))
        >>> round(vertical_offset(texture[2:], texture[:-2]))
        2
    """
    if min(*left.shape[:2], *right.shape[:2]) < 64:
        return float("nan")  # ORB needs 31 px around a point
    detector = cv2.ORB.create(nfeatures=1500, fastThreshold=10)
    (points_left, words_left), (points_right, words_right) = (
        detector.detectAndCompute(cv2.cvtColor(p, cv2.COLOR_RGB2GRAY), None) for p in (left, right)
    )
    if words_left is None or words_right is None:
        return float("nan")
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(words_left, words_right)
    moves = np.array([np.subtract(points_right[m.trainIdx].pt, points_left[m.queryIdx].pt) for m in matches])
    height, width = left.shape[:2]
    plausible = [dy for dx, dy in moves if abs(dy) < 0.1 * height and abs(dx) < 0.4 * width]
    if len(plausible) < 12:
        return float("nan")
    median = float(np.median(plausible))
    agreeing = float(np.mean(np.abs(np.array(plausible) - median) <= 2.0))
    return median if agreeing >= 0.4 else float("nan")
