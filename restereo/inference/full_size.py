"""The views of an anaglyph at full size, from what a network that matches said of smaller copies of it.

Warping, adding the refinement and projection are a few small matrix products a pixel. Here they are done in NumPy and
OpenCV on a processor, a band of rows after the other, small enough for the cache: no float copy of a large picture is
ever made. `tasks.restore` is the reference, and what runs elsewhere; a test holds both together.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from restereo.image import Pixels
from restereo.imaging.color import BT601, decode_srgb, encode_srgb
from restereo.layers import projection
from restereo.layers.match import share_of
from restereo.layers.projection import Calibration
from restereo.sample import Operator

Array = NDArray[np.float32]
BAND_PIXELS = 2**16
"""Pixels of a band: what is computed of them stays in the cache."""
COLUMNS = 2**13
"""Of one matrix product: it stays on one thread, and in the nearest cache."""
WIDEST = 2**15 - 2
"""Px that OpenCV's `remap` can address."""
LEAST_SHARE = 1e-4
"""Share of the other eye's channel under which it is not looked up."""
STEPS = 2**16
"""Of the tables of sRGB's curve."""
HALF = 0.5 / 255


@dataclass(frozen=True)
class Mixing:
    """The numbers by which one observation becomes two views. Values are in [0, 1].

    Attributes:
        target: `(3, levels)`: what each code of a channel is in the method's own sums P·X.
        estimate: `(6, 4)`: both views of (target, 1), the linear estimate.
        share: `(6,)`: how much of a channel is taken from the other eye.
        matrix: `(3, 6)`, P.
        gain: `(6, 3)`, K.
        linear: Whether P acts on linear light.
        grey: Whether the views are shown in their luma.
    """

    target: Array
    estimate: Array
    share: Array
    matrix: Array
    gain: Array
    linear: bool
    grey: bool


def mixing_of(operator: Operator, calibration: Calibration, levels: int, grey: bool = False) -> Mixing:
    """Returns the numbers of one operator.

    Args:
        operator: A batch of one.
        calibration: Of the network.
        levels: Codes of a channel, 256 or 65536.
        grey: Whether the views are shown in their luma.
    """
    operator, linear = operator.to("cpu"), bool(operator.linear[0])
    variant = "jpeg" if operator.lossy is not None and bool(operator.lossy[0]) else "clean"
    codes = torch.linspace(0, 1, levels).expand(1, 3, 1, levels)
    matrix, rounding = operator.matrix[0].double(), projection.QUANTISATION**2 * torch.eye(3).double()
    error, noise = (moments[variant].cpu().double() for moments in (calibration.error, calibration.noise))
    prior = projection.gain(matrix[None], projection.default_error().double(), rounding)[0]
    middle = decode_srgb(torch.tensor(0.5)).double() if linear else torch.tensor(0.5).double()
    offset = middle - prior @ (matrix.sum(1) * middle)

    def array(one: torch.Tensor) -> Array:
        return np.ascontiguousarray(one.numpy(), np.float32)

    return Mixing(
        target=array(projection.to_domain(codes, operator)[0, :, 0]),
        estimate=array(torch.cat([prior, offset[:, None]], dim=1)),
        share=array(share_of(projection.estimate_spread(operator)[0])),
        matrix=array(matrix),
        gain=array(projection.gain(matrix[None], error, noise)[0]),
        linear=linear,
        grey=grey,
    )


@dataclass(frozen=True)
class Findings:
    """What was found on smaller copies of a picture, at any size.

    Attributes:
        disparity: `(2, h, w)` of left and right in px of that size, positive = near.
        agreement: `(2, h, w)`, above 0 where the other eye sees the place.
        refinement: `(12, h', w')`: six channels that are added to the warped views, and six that stand in for the other
            eye's, as differences to the own estimate, where it does not see the place.
        width: Of the picture, in px.
        height: Likewise.
    """

    disparity: Array
    agreement: Array
    refinement: Array
    width: int
    height: int

    def columns(self, rows: slice) -> tuple[Array, NDArray[np.bool_]]:
        """Returns `(2, n, W)` each: where in the other eye these rows are seen, in px, and whether they are."""
        up = nearest(rows, self.height, self.disparity.shape[1])
        across = nearest(slice(0, self.width), self.width, self.disparity.shape[2])
        shift = self.disparity[:, up][:, :, across] * np.float32(self.width / self.disparity.shape[2])
        here = np.arange(self.width, dtype=np.float32)
        columns = np.clip(np.stack([here - shift[0], here + shift[1]]), 0, self.width - 1)
        return columns, self.agreement[:, up][:, :, across] > 0

    def refined(self, rows: slice) -> Array:
        """Returns `(12, n, W)`: the refinement of these rows; see `imaging.resampling.enlarged_rows`."""
        count = self.refinement.shape[1]
        place = ((np.arange(rows.start, rows.stop) + 0.5) * (count / self.height) - 0.5).clip(0, count - 1)
        above = place.astype(np.intp)
        used = self.refinement[:, above[0] : above[-1] + 2]
        if used.shape[2] != self.width:
            size = self.width, used.shape[0] * used.shape[1]
            wide = np.asarray(cv2.resize(used.reshape(-1, used.shape[2]), size), np.float32)
            used = wide.reshape(len(used), -1, self.width)
        if count == self.height:
            return used[:, : len(above)]
        first = above - above[0]
        share = (place - above).astype(np.float32)[:, None]
        upper, lower = used[:, first], used[:, np.minimum(first + 1, used.shape[1] - 1)]
        refined: Array = upper + share * (lower - upper)
        return refined


def nearest(rows: slice, size: int, small: int) -> NDArray[np.intp]:
    """Returns which row of a copy each of these rows is nearest to.

    Example:
        >>> nearest(slice(0, 4), 4, 2).tolist()
        [0, 0, 1, 1]
    """
    index = ((np.arange(rows.start, rows.stop) + 0.5) * (small / size)).astype(np.intp)
    return np.minimum(index, small - 1)


def enlarged(maps: Array, height: int, width: int) -> Array:
    """Returns maps `(K, h, w)` at another size `(K, H, W)`, nearest pixels repeated."""
    up, across = (
        nearest(slice(0, size), size, small) for size, small in zip((height, width), maps.shape[1:], strict=True)
    )
    return maps[:, up][:, :, across]


def share_above_zero(maps: Array, height: int, width: int) -> float:
    """Returns the share of the pixels of `enlarged` maps that are greater than 0, without making them.

    Example:
        >>> share_above_zero(np.array([[[1, 0]]], np.float32), 2, 3)
        0.3333333333333333
    """
    up, across = (
        np.bincount(nearest(slice(0, size), size, small), minlength=small) / size
        for size, small in zip((height, width), maps.shape[1:], strict=True)
    )
    return float(np.mean([up @ (one > 0) @ across for one in maps]))


def fetch(channel: Array, columns: Array, rows: Array | None = None) -> Array:
    """Returns the channel `(n, W)` as it is at other places, linear between pixels; at the border it is repeated.

    Args:
        channel: `(h, W)`.
        columns: `(n, W)` px.
        rows: `(n, W)` px; by default each row is its own.

    Example:
        >>> fetch(np.array([[0, 2, 4]], np.float32), np.array([[0.5, 2, 9]], np.float32)).tolist()
        [[1.0, 4.0, 4.0]]
    """
    if rows is None:
        rows = np.repeat(np.arange(len(columns), dtype=np.float32)[:, None], columns.shape[1], axis=1)
    return np.asarray(cv2.remap(channel, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def restore_rows(
    observed: Pixels, mixing: Mixing, columns: Array, visible: NDArray[np.bool_], refinement: Array
) -> tuple[Pixels, float]:
    """Returns both views `(2, n, W, 3)` of some rows, and the sum of the squares of what they contradicted before.

    Args:
        observed: `(n, W, 3)` uint8 or uint16, the anaglyph.
        mixing: Of its operator.
        columns: `(2, n, W)`: where in the other eye each pixel is seen.
        visible: `(2, n, W)`: whether it is.
        refinement: `(12, n, W)`.
    """
    height, width = observed.shape[:2]
    target = np.ones((4, height * width), np.float32)
    for channel, codes in enumerate(cv2.split(observed)):
        target[channel] = _looked_up(mixing.target[channel], codes).ravel()
    estimate = _product(mixing.estimate, target)
    np.clip(estimate, 0, 1, out=estimate)
    if mixing.linear:
        estimate = _encoded(estimate)
    correction, filled = refinement.reshape(2, 6, -1)
    views = estimate + correction
    rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
    for channel in np.flatnonzero(mixing.share > LEAST_SHARE).tolist():
        other = estimate[(channel + 3) % 6].reshape(height, width)
        seen = fetch(other, columns[channel // 3], rows).ravel()
        seen -= estimate[channel]
        seen = np.where(visible[channel // 3].ravel(), seen, filled[channel])
        seen *= mixing.share[channel]
        views[channel] += seen
    if mixing.linear:
        views = _decoded(views)
    contradicted = target[:3]
    formed = _product(mixing.matrix, views)
    beyond = (contradicted >= 1 - HALF) & (formed > contradicted) | (contradicted <= HALF) & (formed < contradicted)
    contradicted -= formed
    contradicted[beyond] = 0
    views += _product(mixing.gain, contradicted)
    np.clip(views, 0, 1, out=views)
    if mixing.linear:
        views = _encoded(views)
    if mixing.grey:
        views = np.repeat(views.reshape(2, 3, -1).transpose(0, 2, 1) @ np.array(BT601, np.float32), 3, axis=0)
    views *= np.iinfo(observed.dtype).max
    views += 0.5
    codes = views.astype(observed.dtype).reshape(2, 3, height, width)
    square = float(np.einsum("cn,cn->", contradicted, contradicted))
    return np.stack([cv2.merge(list(view)) for view in codes]), square


def restore(
    observed: Pixels,
    mixing: Mixing,
    findings: Findings,
    threads: int = 1,
    on_rows: Callable[[int], Any] = lambda rows: None,
) -> tuple[Pixels, float]:
    """Returns both views `(2, H, W, 3)` of a whole picture, and the mean square of what they contradicted before.

    Args:
        observed: `(H, W, 3)` uint8 or uint16, the anaglyph.
        mixing: Of its operator.
        findings: Of the networks.
        threads: Bands that are worked on at once.
        on_rows: Called with the number of rows each time some are done.
    """
    height, width = observed.shape[:2]
    views, total = np.empty((2, *observed.shape), observed.dtype), 0.0

    def work(rows: slice) -> tuple[int, float]:
        views[:, rows], square = restore_rows(observed[rows], mixing, *findings.columns(rows), findings.refined(rows))
        return len(observed[rows]), square

    with ThreadPoolExecutor(threads) as pool:
        for count, square in pool.map(work, _bands(height, width)):
            on_rows(count)
            total += square
    return views, total / observed.size


def _bands(height: int, width: int) -> Iterator[slice]:
    rows = max(1, BAND_PIXELS // width)
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def _looked_up(table: Array, codes: NDArray[Any]) -> Array:
    return np.asarray(cv2.LUT(codes, table) if codes.dtype == np.uint8 else table[codes], np.float32)


def _product(matrix: Array, planes: Array) -> Array:
    out = np.empty((len(matrix), planes.shape[1]), np.float32)
    for start in range(0, planes.shape[1], COLUMNS):
        part = slice(start, start + COLUMNS)
        np.matmul(matrix, planes[:, part], out=out[:, part])
    return out


def _table(curve: Callable[[torch.Tensor], torch.Tensor], low: float, high: float) -> Array:
    return np.asarray(curve(torch.linspace(low, high, STEPS)).numpy(), np.float32)


ENCODE = _table(encode_srgb, 0, 1)
DECODE = _table(decode_srgb, -1, 2)


def _encoded(light: Array) -> Array:
    """Of values in [0, 1], off by less than .1/255."""
    encoded: Array = ENCODE[np.rint(light * np.float32(STEPS - 1)).astype(np.uint16)]
    return encoded


def _decoded(encoded: Array) -> Array:
    place = (encoded + 1) * np.float32((STEPS - 1) / 3)
    light: Array = DECODE[np.rint(place.clip(0, STEPS - 1)).astype(np.uint16)]
    return light
