"""Photos become random layered stereo scenes whose disparity and occlusion are known exactly.

A scene is a background and 4-12 pieces in front of it (fewer where no depth is left). Each is cut out of a photo
with a soft-edged shape and lies on a smooth disparity surface d, defined on coordinates of the left view; the right
view shows left column x at x - d(x). All surfaces keep |dd/dx| <= `scene_layers.STEEPEST`, so x - d(x) grows along
a row and has one inverse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.scene_layers import Floats, Layer, Picture, random_layers


@final
@dataclass(frozen=True)
class StereoScene:
    """Two views of one scene and how they correspond.

    Attributes:
        left: `(H, W, 3)` uint8 RGB.
        right: `(H, W, 3)` uint8 RGB.
        disparity: `(2, H, W)` float32 of left and right in px of the front surface (alpha >= 0.5), positive = near:
            left x is right x - d_left(x), right x is left x + d_right(x).
        occlusion: `(2, H, W)` bool, True where the other eye does not see the surface: a nearer layer hides it, or it
            lies beyond the centres of the other view's first and last columns.
    """

    left: Picture
    right: Picture
    disparity: Floats
    occlusion: NDArray[np.bool_]


@final
@dataclass
class _View:
    """One eye's picture as painted so far, back to front, and each painted layer's place and alpha."""

    colour: Floats
    disparity: Floats
    front: NDArray[np.int16]
    painted: list[tuple[slice, slice, Floats]]


def random_scene(
    photos: Sequence[Picture], rng: np.random.Generator, size: tuple[int, int] = (192, 256), max_disparity: float = 40.0
) -> StereoScene:
    """Returns a random layered scene; the same photos and generator state give the same bytes.

    Args:
        photos: At least one `(h, w, 3)` uint8 RGB picture of any size; larger than `size` is better.
        rng: Source of all randomness.
        size: Height and width of the views in px.
        max_disparity: Bound of |disparity| in px, reached by some scenes.

    Raises:
        ValueError: There is no photo, or a photo is not `(h, w, 3)` uint8.

    Example:
        >>> photo = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
        >>> scene = random_scene([photo], np.random.default_rng(1), size=(48, 64), max_disparity=8)
        >>> scene.left.shape, scene.disparity.shape, bool(abs(scene.disparity).max() <= 8)
        ((48, 64, 3), (2, 48, 64), True)
    """
    if not photos:
        raise ValueError("a scene needs at least one photo")
    for photo in photos:
        if photo.ndim != 3 or photo.shape[2] != 3 or photo.dtype != np.uint8 or not photo.size:
            raise ValueError(f"photos must be (h, w, 3) uint8; one is {photo.shape} {photo.dtype}")
    height, width = size
    left, right = _blank(height, width), _blank(height, width)
    for rank, layer in enumerate(random_layers(photos, rng, height, width, max_disparity)):
        _shade(left, right, layer)
        first = max(0, -layer.start)
        last = max(first, min(layer.alpha.shape[1], width - layer.start))
        x = np.repeat(np.arange(first, last, dtype=np.float32)[None], layer.alpha.shape[0], 0)
        columns = slice(layer.start + first, layer.start + first + x.shape[1])
        _paint(left, layer, rank, columns, x, layer.disparity[:, first:last])
        columns, x = _see(layer, width)
        shift = x + layer.start - np.arange(columns.start, columns.stop, dtype=np.float32)
        _paint(right, layer, rank, columns, x, shift.astype(np.float32))
    return StereoScene(
        np.clip(np.rint(left.colour), 0, 255).astype(np.uint8),
        np.clip(np.rint(right.colour), 0, 255).astype(np.uint8),
        np.stack([left.disparity, right.disparity]),
        np.stack([_occluded(left, right, -1), _occluded(right, left, +1)]),
    )


def _blank(height: int, width: int) -> _View:
    colour, disparity = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    return _View(colour, disparity, np.zeros((height, width), np.int16), [])


def _shade(left: _View, right: _View, layer: Layer) -> None:
    """Darkens what lies behind the layer by its soft shadow, which sticks to those surfaces in both views."""
    strength, blur, shift_x, shift_y = layer.shadow
    if not strength:
        return
    margin = int(3 * blur) + 1
    shade = cv2.GaussianBlur(np.pad(layer.alpha, margin), (0, 0), blur)
    factor = np.asarray(1 - strength * shade, np.float32)
    top, start = layer.top - margin + shift_y, layer.start - margin + shift_x
    height, width = left.disparity.shape
    rows = slice(max(0, top), min(height, top + factor.shape[0]))
    columns = slice(max(0, start), min(width, start + factor.shape[1]))
    if rows.start >= rows.stop:
        return
    if columns.start < columns.stop:
        part = factor[rows.start - top : rows.stop - top, columns.start - start : columns.stop - start]
        left.colour[rows, columns] *= part[..., None]
    behind = right.disparity[rows]
    columns = slice(
        max(0, int(start - behind.max())), max(0, min(width, int(start + factor.shape[1] - behind.min()) + 1))
    )
    if columns.start < columns.stop:
        y, x = np.mgrid[rows, columns].astype(np.float32)
        x += behind[:, columns] - start
        right.colour[rows, columns] *= cv2.remap(factor, x, y - top, cv2.INTER_LINEAR, borderValue=(1,))[..., None]


def _see(layer: Layer, width: int) -> tuple[slice, Floats]:
    """Returns the columns of the right view that the layer may touch, and the box x seen in each (rows, columns).

    x - d(x), linear between pixels, grows along a row; rows laid end to end make one growing sequence to invert.
    """
    height, wide = layer.alpha.shape
    place = np.arange(wide) + layer.start - layer.disparity.astype(np.float64)
    columns = slice(max(0, int(np.floor(place.min()))), min(width, int(np.ceil(place.max())) + 1))
    if columns.start >= columns.stop:
        return slice(0, 0), np.zeros((height, 0), np.float32)
    wanted = np.broadcast_to(
        np.arange(columns.start, columns.stop, dtype=np.float64), (height, columns.stop - columns.start)
    )
    apart = np.arange(height)[:, None] * (np.ptp(place) + wanted.shape[1] + wide + 4.0)
    x = np.interp((wanted + apart).ravel(), (place + apart).ravel(), np.tile(np.arange(float(wide)), height))
    seen = (wanted >= place[:, :1]) & (wanted <= place[:, -1:])
    return columns, np.where(seen, x.reshape(wanted.shape), -9).astype(np.float32)


def _paint(view: _View, layer: Layer, rank: int, columns: slice, x: Floats, disparity: Floats) -> None:
    """Blends the layer over the view's columns, each pixel of which sees box column x at this disparity."""
    rows = slice(layer.top, layer.top + x.shape[0])
    if not x.size:
        view.painted.append((rows, columns, x))
        return
    y = np.repeat(np.arange(x.shape[0], dtype=np.float32)[:, None], x.shape[1], 1)
    at = [(a * x + b * y + c).astype(np.float32) for a, b, c in layer.affine]
    colour = cv2.remap(layer.texture, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    alpha = np.asarray(cv2.remap(layer.alpha, x, y, cv2.INTER_LINEAR), np.float32)
    light = np.asarray(cv2.remap(layer.light, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
    canvas, front = view.colour[rows, columns], alpha >= 0.5
    canvas += alpha[..., None] * (colour * light[..., None] - canvas)
    view.disparity[rows, columns][front] = disparity[front]
    view.front[rows, columns][front] = rank
    view.painted.append((rows, columns, alpha))


def _occluded(view: _View, other: _View, sign: int) -> NDArray[np.bool_]:
    """Returns where the other eye does not see the front surface of this view; the other's column is x + sign·d."""
    height, width = view.front.shape
    column: Floats = np.arange(width, dtype=np.float32) + sign * view.disparity
    outside = (column < 0) | (column > width - 1)
    column = np.clip(column, 0, width - 1)
    lower = np.minimum(column.astype(np.intp), max(width - 2, 0))
    upper, weight = np.minimum(lower + 1, width - 1), column - lower
    nearer = np.zeros((height, width), np.float32)
    hidden: NDArray[np.bool_] = outside.copy()
    for rank in range(len(view.painted) - 1, -1, -1):
        mine = np.nonzero((view.front == rank) & ~outside)
        low, high, part = lower[mine], upper[mine], weight[mine]
        hidden[mine] |= (1 - part) * nearer[mine[0], low] + part * nearer[mine[0], high] >= 0.5
        rows, columns, alpha = other.painted[rank]
        np.maximum(nearer[rows, columns], alpha, out=nearer[rows, columns])
    return hidden
