"""Photos become random layered stereo scenes whose disparity and occlusion are known exactly.

A scene is a background and 4-12 pieces in front of it (fewer where no depth is left). Each is cut out of a photo
with a soft-edged shape and lies on a smooth disparity surface d, defined on coordinates of the left view; the right
view shows left column x at x - d(x). All surfaces keep |dd/dx| <= `STEEPEST`, so x - d(x) grows along a row and has
one inverse.

Some scenes have what the frames of real pairs have: one eye is shifted as a whole, so that a strip at a side of each
view has no counterpart, and rims and wedges that rectification left black.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture
from restereo.imaging.color import BT601

Floats = NDArray[np.float32]

STEEPEST = 0.4
"""Largest |dd/dx| of a surface: the two views of a piece differ in width by this share at most."""
LUMA = np.array(BT601)
FRAMED = 0.25
"""Share of scenes with a shifted eye and black rims: enough to learn from, few enough that frames do not rule."""
SHIFT = (0.05, 0.1)
"""Shift of the framed scenes' eyes, as a share of the width."""
RIM = 0.06
"""Largest depth of a black rim, as a share of the view's side."""


@final
@dataclass(frozen=True)
class StereoScene:
    """Two views of one scene and how they correspond.

    Attributes:
        left: `(H, W, 3)` uint8 RGB.
        right: `(H, W, 3)` uint8 RGB.
        disparity: `(2, H, W)` float32 of left and right in px of the front surface (alpha >= 0.5), positive = near:
            left x is right x - d_left(x), right x is left x + d_right(x).
        occlusion: `(2, H, W)` bool, True where the other eye does not see the surface: a nearer layer or a black rim
            hides it, or it lies beyond the centres of the other view's first and last columns; and in this view's own
            black rim, where the disparity is that of the surface behind.
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
    rim: Floats  # opacity of the black rim before everything


@final
@dataclass(frozen=True)
class Layer:
    """A piece in the box whose first pixel is (top, start) on left coordinates."""

    top: int
    start: int
    alpha: Floats
    disparity: Floats
    light: Floats
    texture: Picture
    affine: NDArray[np.float64]  # box (x, y, 1) -> texture (x, y)
    shadow: tuple[float, float, int, int]  # strength, blur in px, shift in x and y in px


def random_scene(
    photos: Sequence[Picture],
    rng: np.random.Generator,
    size: tuple[int, int] = (192, 256),
    max_disparity: float = 40.0,
    framed: float = FRAMED,
) -> StereoScene:
    """Returns a random layered scene; the same photos and generator state give the same bytes.

    A framed scene is made shallower, so that its shift and its depth together keep to `max_disparity`.

    Args:
        photos: At least one `(h, w, 3)` uint8 RGB picture of any size; larger than `size` is better.
        rng: Source of all randomness.
        size: Height and width of the views in px.
        max_disparity: Bound of |disparity| in px, reached by some scenes.
        framed: Probability of a shifted eye and black rims; the scene is the same otherwise.

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
    layers = random_layers(photos, rng, height, width, max_disparity)
    left, right = _blank(height, width), _blank(height, width)
    if rng.random() < framed:  # drawn last, so that the other scenes do not depend on it
        layers = _shifted(layers, rng, width, max_disparity)
        left.rim, right.rim = _rim(rng, height, width), _rim(rng, height, width)
    for rank, layer in enumerate(layers):
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
        _developed(left),
        _developed(right),
        np.stack([left.disparity, right.disparity]),
        np.stack([_occluded(left, right, -1), _occluded(right, left, +1)]),
    )


def _blank(height: int, width: int) -> _View:
    colour, disparity = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
    return _View(colour, disparity, np.zeros((height, width), np.int16), [], np.zeros((height, width), np.float32))


def _developed(view: _View) -> Picture:
    colour: Floats = view.colour * (1 - view.rim[..., None])
    return np.clip(np.rint(colour), 0, 255).astype(np.uint8)


def _shifted(layers: list[Layer], rng: np.random.Generator, width: int, limit: float) -> list[Layer]:
    """Returns the layers as seen by eyes one of which is shifted as a whole; all |disparity| stay within the limit."""
    shift = min(width * rng.uniform(*SHIFT), 0.7 * limit) * rng.choice([-1, 1])
    depth = np.float32(1 - abs(shift) / limit)
    return [
        replace(layer, disparity=np.clip(depth * layer.disparity + np.float32(shift), -limit, limit))
        for layer in layers
    ]


def _rim(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Returns the opacity `(H, W)` of bars and wedges at some sides of the frame: outside a quadrilateral it is 1."""
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    for side in range(4):  # top, right, bottom, left: each with its two ends
        if rng.random() < 0.5:
            ends = rng.uniform(0, RIM, 2) if rng.random() < 0.6 else np.repeat(rng.uniform(0, RIM), 2)
            axis = 1 - side % 2
            corners[[side, (side + 1) % 4], axis] += ends * (height, width)[side % 2] * (1, -1)[side in (1, 2)]
    inside = np.zeros((height, width), np.uint8)
    _fill(inside, corners - 0.5)  # the centre of the first pixel is at 0
    return np.float32(1) - inside.astype(np.float32) / np.float32(255)


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

    x - d(x), linear between pixels, grows along a row; rows put end to end make one growing sequence to invert.
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
    width = view.front.shape[1]
    column: Floats = np.arange(width, dtype=np.float32) + sign * view.disparity
    outside = (column < 0) | (column > width - 1)
    column = np.clip(column, 0, width - 1)
    lower = np.minimum(column.astype(np.intp), max(width - 2, 0))
    upper, weight = np.minimum(lower + 1, width - 1), column - lower
    nearer = other.rim.copy()
    hidden: NDArray[np.bool_] = outside | (view.rim >= 0.5)
    for rank in range(len(view.painted) - 1, -1, -1):
        mine = np.nonzero((view.front == rank) & ~outside)
        low, high, part = lower[mine], upper[mine], weight[mine]
        hidden[mine] |= (1 - part) * nearer[mine[0], low] + part * nearer[mine[0], high] >= 0.5
        rows, columns, alpha = other.painted[rank]
        np.maximum(nearer[rows, columns], alpha, out=nearer[rows, columns])
    return hidden


def random_layers(
    photos: Sequence[Picture], rng: np.random.Generator, height: int, width: int, limit: float
) -> list[Layer]:
    """Returns the layers back to front; where one covers another it has the larger disparity."""
    pad = int(np.ceil(limit)) + 2  # what the right view sees beyond the left frame
    # Three of four scenes use much of the range, the rest are as shallow as most pictures of the web.
    span = limit * (rng.uniform(0.5, 1.0) if rng.random() < 0.75 else _log_uniform(rng, 0.1, 0.5))
    far = -span * 0.8 * rng.beta(1, 2)  # the zero-disparity plane lies anywhere, more often in the back
    base = np.clip(far + _ground(rng, height, width + 2 * pad, span), -limit, limit)
    layers = [_dress(photos, rng, 0, -pad, np.ones_like(base), base)]
    covered = base.copy()
    for rank in np.sort(rng.random(rng.integers(4, 13))):
        high = max(8, round(height * _log_uniform(rng, 0.15, 1.2)))
        wide = max(8, round(width * _log_uniform(rng, 0.1, 0.9)))
        top = int(rng.uniform(0, height) - high / 2)
        start = int(rng.uniform(-0.05, 1.05) * width - wide / 2)
        alpha = _shape(rng, high, wide)
        relief = _relief(rng, high, wide, span)
        rows = slice(max(0, -top), min(high, height - top))
        columns = slice(max(0, -pad - start), min(wide, width + pad - start))
        alpha, relief = alpha[rows, columns], relief[rows, columns]
        top, start = top + rows.start, start + columns.start
        under = covered[top : top + alpha.shape[0], start + pad : start + pad + alpha.shape[1]]
        solid = alpha > 0
        if not (alpha >= 0.5).any():
            continue
        # Nearer on its support in left coordinates is nearer in the right view too, because x - d(x) grows.
        place = max(far + span * rank, float((under - relief)[solid].max()) + 0.5)
        if place + float(relief[solid].max()) > limit:
            relief = np.zeros_like(relief)
            place = max(far + span * rank, float(under[solid].max()) + 0.5)
            if place > limit:
                continue
        disparity = np.clip(relief + np.float32(place), -limit, limit)
        layers.append(_dress(photos, rng, top, start, alpha, disparity))
        under[solid] = disparity[solid]
    return layers


def _ground(rng: np.random.Generator, height: int, width: int, span: float) -> Floats:
    """Returns the background's relief in px: walls and a floor that meet, and a gentle curve; its median is small."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, x / width - 0.5
    surface = np.float32(span * rng.uniform(-0.1, 0.25)) * x
    if rng.random() < 0.6:  # a floor that comes nearer towards the bottom
        surface = np.maximum(surface, span * rng.uniform(0.3, 0.9) * (y - rng.uniform(0.2, 0.8)))
    if rng.random() < 0.3:  # a wall at one side
        surface = np.maximum(surface, span * rng.uniform(0.2, 0.8) * (rng.choice([-1, 1]) * x - rng.uniform(0.0, 0.4)))
    surface = surface + span * rng.uniform(0, 0.12) * _smooth_noise(rng, height, width, int(rng.integers(2, 6)))
    return _bounded(surface.astype(np.float32))


def _relief(rng: np.random.Generator, height: int, width: int, span: float) -> Floats:
    """Returns a piece's relief in px, about 0: a slanted plane and a dome, a cylinder, a smooth surface or nothing."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    plane = np.clip(rng.normal(0, [0.1, 0.06]), -0.25, 0.25) * [height, width] / 2
    surface = np.float32(plane[0]) * y + np.float32(plane[1]) * x
    form, depth = rng.integers(4), min(0.2 * width, 0.3 * span) * rng.uniform(0.2, 1)
    if form == 1:
        surface = surface + depth * np.sqrt(np.clip(1.05 - (x * x + y * y) / 2, 0, None))
    elif form == 2:
        surface = surface + depth * np.cos(1.4 * x) * rng.choice([-0.5, 1])
    elif form == 3:
        surface = surface + depth / 2 * _smooth_noise(rng, height, width, int(rng.integers(3, 6)))
    extent = max(float(np.ptp(surface)), 1e-6)
    return _bounded((surface * min(1, 0.4 * span / extent)).astype(np.float32))


def _bounded(surface: Floats) -> Floats:
    """Returns the surface scaled down where needed so that |dd/dx| <= `STEEPEST`."""
    slope = float(np.abs(np.diff(surface, axis=1)).max(initial=0))
    return surface * np.float32(min(1, STEEPEST / max(slope, 1e-6)))


def _smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Floats:
    """Returns a smooth random field of about unit variance with `cells` grid points a side."""
    grid = rng.normal(size=(cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def _shape(rng: np.random.Generator, height: int, width: int) -> Floats:
    """Returns the alpha of a random shape in [0, 1]: 0 on the box's border, edges 1-4 px soft, at times with holes."""
    mask = np.zeros((height, width), np.uint8)
    form = rng.choice(4, p=[0.3, 0.2, 0.25, 0.25])
    if form == 0:
        _fill(mask, _outline(rng, height, width, int(rng.integers(3, 10)), 0.45))
    elif form == 1:
        _fill(mask, _outline(rng, height, width, 48, 1.0))
    elif form == 2:  # a blob: where smooth noise, falling off towards the border, is above a level
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        field = _smooth_noise(rng, height, width, int(rng.integers(3, 8))) - 3.5 * (x * x + y * y)
        mask[field > -rng.uniform(0.8, 1.8)] = 255
    else:  # thin things: bars, grids, branches
        thickness = int(rng.integers(2, max(3, min(height, width) // 8) + 1))
        for _ in range(rng.integers(1, 7)):
            steps = rng.uniform(-0.2, 1.2, (2, 2)) if rng.random() < 0.6 else rng.uniform(0.05, 0.95, (5, 2))
            points = np.rint(steps * [width, height] * 16).astype(np.int32)
            cv2.polylines(mask, [points], False, (255,), thickness, cv2.LINE_AA, 4)
    if form < 3 and rng.random() < 0.25:
        for _ in range(rng.integers(1, 4)):
            hole = _outline(rng, height, width, int(rng.integers(4, 24)), 0.8)
            _fill(mask, (hole - hole.mean(0)) * rng.uniform(0.1, 0.4) + rng.uniform(0.25, 0.75, 2) * [width, height], 0)
    blur = float(rng.uniform(0.5, 0.9) if rng.random() < 0.85 else rng.uniform(0.9, 2.0))
    margin = min(int(2.5 * blur) + 1, (min(height, width) - 1) // 3)
    mask[:margin] = mask[-margin:] = mask[:, :margin] = mask[:, -margin:] = 0
    alpha = np.asarray(cv2.GaussianBlur(mask, (0, 0), blur), np.float32) / np.float32(255)
    alpha[[0, -1]] = alpha[:, [0, -1]] = 0  # so that beyond the box there is nothing to interpolate towards
    return alpha


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _outline(rng: np.random.Generator, height: int, width: int, corners: int, roundness: float) -> NDArray[np.float64]:
    """Returns the `(corners, 2)` x, y points of a turned star-shaped polygon within the box."""
    angle = np.sort((np.arange(corners) + rng.uniform(0, 0.8 * (roundness < 1), corners)) * (2 * np.pi / corners))
    radius = rng.uniform(roundness, 1, corners) * 0.44
    return np.stack([0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)], 1) * [width, height]


def _fill(mask: Picture, points: NDArray[np.float64], value: int = 255) -> None:
    cv2.fillPoly(mask, [np.rint(points * 16).astype(np.int32)], (value,), cv2.LINE_AA, 4)


def _dress(
    photos: Sequence[Picture], rng: np.random.Generator, top: int, start: int, alpha: Floats, disparity: Floats
) -> Layer:
    """Returns the layer with a texture, shading that follows its relief, and a shadow for what lies behind it."""
    height, width = alpha.shape
    photo = photos[int(rng.integers(len(photos)))]
    # Photo px per view px: the whole photo at most, not enlarged by more than 1.5; a small one goes on mirrored.
    most = min(photo.shape[0] / height, photo.shape[1] / width, 8.0)
    scale = _log_uniform(rng, 1.0, most) if most > 1 else max(most, 1 / 1.5)
    crop_size = [min(photo.shape[0], round(height * scale)), min(photo.shape[1], round(width * scale))]
    y, x = (int(rng.integers(whole - part + 1)) for whole, part in zip(photo.shape, crop_size, strict=False))
    crop = photo[y : y + crop_size[0], x : x + crop_size[1]]
    density = rng.uniform(0.9, 1.1)  # texture px per view px: bilinear sampling neither blurs nor aliases much
    texture_size = (max(1, round(crop.shape[1] / scale * density)), max(1, round(crop.shape[0] / scale * density)))
    texture = cv2.resize(crop, texture_size, interpolation=cv2.INTER_AREA)
    texture = cv2.transform(texture, _colouring(rng, texture))
    turn = rng.normal(0, 0.15)
    mirror = np.array([rng.choice([-1, 1]), 1 if rng.random() < 0.85 else -1])[:, None]
    linear = density * mirror * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    middle = np.array(texture_size) / 2 - linear @ [width / 2 + rng.random(), height / 2 + rng.random()]
    slope = np.gradient(disparity, axis=1) if width > 1 else np.zeros_like(disparity)
    light = 1 + np.clip(slope * np.float32(rng.normal(0, 1)), -0.4, 0.3)
    strength = rng.uniform(0.2, 0.6) if rng.random() < 0.6 else 0.0
    shadow = (strength, float(rng.uniform(1.5, 7)), int(rng.integers(-6, 7)), int(rng.integers(-2, 7)))
    return Layer(
        top,
        start,
        alpha,
        disparity,
        light.astype(np.float32),
        np.asarray(texture, np.uint8),
        np.c_[linear, middle],
        shadow,
    )


def _colouring(rng: np.random.Generator, texture: Any) -> NDArray[np.float64]:
    """Returns a `(3, 4)` matrix that turns hue, saturation, contrast, brightness and tint, most often mildly."""
    turn = rng.normal(0, 0.35)
    axis = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    rotation = np.eye(3) + np.sin(turn) * axis + (1 - np.cos(turn)) * axis @ axis
    grey = np.tile(LUMA, (3, 1))
    # Photographs are paler than toys, clothes and comics: on those an eye's channels differ most from the other's.
    saturation = rng.uniform(0.6, 1.4) if rng.random() < 0.7 else rng.uniform(1.4, 2.8)
    colour = grey + saturation * rotation @ (np.eye(3) - grey)
    contrast = rng.uniform(0.75, 1.15) if rng.random() < 0.85 else rng.uniform(0.15, 0.6)
    tint = rng.uniform(0.85, 1.15, 3)[:, None]
    mean = np.asarray(cv2.mean(texture)[:3])
    matrix = tint * contrast * colour
    if rng.random() < 0.15:
        matrix = matrix[rng.permutation(3)]
    target = np.clip(LUMA @ mean + rng.uniform(-30, 30), 55, 200) + (colour @ mean - LUMA @ mean)
    return np.asarray(np.c_[matrix, target - matrix @ mean], np.float64)
