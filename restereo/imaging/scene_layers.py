"""The pieces of a random scene: shapes cut out of photos, each on a smooth disparity surface, none into another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import cv2
import numpy as np
from numpy.typing import NDArray

from restereo.imaging.color import BT601

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

STEEPEST = 0.4
"""Largest |dd/dx| of a surface: the two views of a piece differ in width by this share at most."""
LUMA = np.array(BT601)


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
    kind, depth = rng.integers(4), min(0.2 * width, 0.3 * span) * rng.uniform(0.2, 1)
    if kind == 1:
        surface = surface + depth * np.sqrt(np.clip(1.05 - (x * x + y * y) / 2, 0, None))
    elif kind == 2:
        surface = surface + depth * np.cos(1.4 * x) * rng.choice([-0.5, 1])
    elif kind == 3:
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
    kind = rng.choice(4, p=[0.3, 0.2, 0.25, 0.25])
    if kind == 0:
        _fill(mask, _outline(rng, height, width, int(rng.integers(3, 10)), 0.45))
    elif kind == 1:
        _fill(mask, _outline(rng, height, width, 48, 1.0))
    elif kind == 2:  # a blob: where smooth noise, falling off towards the border, is above a level
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        field = _smooth_noise(rng, height, width, int(rng.integers(3, 8))) - 3.5 * (x * x + y * y)
        mask[field > -rng.uniform(0.8, 1.8)] = 255
    else:  # thin things: bars, grids, branches
        thickness = int(rng.integers(2, max(3, min(height, width) // 8) + 1))
        for _ in range(rng.integers(1, 7)):
            steps = rng.uniform(-0.2, 1.2, (2, 2)) if rng.random() < 0.6 else rng.uniform(0.05, 0.95, (5, 2))
            points = np.rint(steps * [width, height] * 16).astype(np.int32)
            cv2.polylines(mask, [points], False, (255,), thickness, cv2.LINE_AA, 4)
    if kind < 3 and rng.random() < 0.25:
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
