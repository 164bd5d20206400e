"""What time does to a photograph: grain, and dirt that hides it. Grey in, grey and the damage out.

Dirt is drawn here: dust specks, hairs, straight scratches along the film, and torn patches. Textures of real dirt,
where there are any, take the place of the drawn one in half of the pictures.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Opacity = NDArray[np.float32]

DESTROYED = 0.1
"""Opacity of dirt above which a pixel counts as destroyed."""


@dataclass(frozen=True)
class Age:
    """How much a photograph has suffered.

    Attributes:
        grain: Standard deviation of Gaussian grain, of 1.
        dirt: Pieces of dirt, as a factor on what is usual; 0 = none.
        grain_on_dirt: Share of the grain that lies on the dirt too: 0 = dirt fell on the print, 1 = on the negative.
        coarseness: Size of the pieces of dirt, 1 = as on a picture of up to 256 px; None = as the shorter side says.
    """

    grain: float = 0.1
    dirt: float = 1.0
    grain_on_dirt: float = 0.0
    coarseness: float | None = None


def aged(
    grey: Picture, rng: np.random.Generator, age: Age, textures: Sequence[Picture] = ()
) -> tuple[Picture, NDArray[np.bool_]]:
    """Returns the aged picture `(H, W, 1)` uint8 and where it was destroyed, `(H, W)` bool.

    Args:
        grey: `(H, W, 1)` uint8.
        rng: Decides everything.
        age: How much.
        textures: Opacities of single pieces of real dirt, `(h, w)` uint8: 255 hides all.

    Example:
        >>> picture, mask = aged(np.full((40, 40, 1), 128, np.uint8), np.random.default_rng(0), Age(0.0, 3.0))
        >>> bool((picture[~mask] > 110).all()), bool(mask.any())
        (True, True)
    """
    size = grey.shape[0], grey.shape[1]
    opacity = np.zeros(size, np.float32)
    if age.dirt > 0:
        from_texture = bool(len(textures)) and rng.random() < 0.5
        unit = coarseness_of(size) if age.coarseness is None else age.coarseness
        if from_texture:
            opacity = texture_dirt(size, rng, age.dirt, textures, unit)
        else:
            opacity = drawn_dirt(size, rng, age.dirt, unit)
    tone = np.float32(rng.choice([rng.uniform(0.75, 1.0), rng.uniform(0.0, 0.25)], p=[0.7, 0.3]))
    grain = np.float32(age.grain) * rng.standard_normal(size, np.float32)
    noisy, dirty = grey[..., 0] / np.float32(255) + grain, tone + np.float32(age.grain_on_dirt) * grain
    picture = noisy * (1 - opacity) + dirty * opacity
    return np.rint(picture * 255).clip(0, 255).astype(np.uint8)[..., None], opacity > DESTROYED


def coarseness_of(size: tuple[int, int]) -> float:
    """Returns how large the pieces of dirt are on a whole picture `(H, W)`, as a factor: it goes with the shorter side.

    Example:
        >>> coarseness_of((512, 768)), coarseness_of((100, 100))
        (2.0, 1.0)
    """
    return max(1.0, min(size) / 256)


def drawn_dirt(size: tuple[int, int], rng: np.random.Generator, amount: float, unit: float) -> Opacity:
    """Returns the opacity `(H, W)` in [0, 1] of drawn dust, hairs, scratches and patches.

    How large they are goes with `unit`, how many there are with the area that a `unit` leaves: a photograph scanned at
    twice the size has as many pieces, twice as large.

    Example:
        >>> drawn_dirt((64, 64), np.random.default_rng(0), 1.0, 1.0).shape
        (64, 64)
    """
    height, width = size
    area = height * width / (256 * unit) ** 2
    canvas = np.zeros(size, np.uint8)

    def count(mean: float) -> int:
        return int(rng.poisson(mean * amount * area))

    def point() -> NDArray[np.float64]:
        return rng.uniform(0, 1, 2) * (width, height)

    def line(points: NDArray[np.float64], thickness: float) -> None:
        shade, wide = int(rng.integers(130, 256)), max(1, round(thickness))
        cv2.polylines(canvas, [np.rint(points).astype(np.int32)], False, shade, wide, cv2.LINE_AA)

    for _ in range(count(50)):  # dust
        centre, radius = np.rint(point()).astype(int), round(rng.uniform(0.4, 2.0) * unit)
        cv2.circle(canvas, [int(c) for c in centre], radius, int(rng.integers(130, 256)), -1, cv2.LINE_AA)
    for _ in range(count(5)):  # hairs
        bends = np.cumsum(rng.normal(0, 7 * unit, (12, 2)) + rng.normal(0, 5 * unit, 2), axis=0)
        line(point() + bends, rng.uniform(0.5, 1.5) * unit)
    for _ in range(count(3.5)):  # scratches
        slope = rng.normal(0, 0.03 * height, 4).cumsum()
        ends = np.sort(rng.uniform(-0.2, 1.2, 2)) * height
        line(np.stack([point()[0] + slope, np.linspace(ends[0], ends[1], 4)], axis=1), rng.uniform(0.5, 3.0) * unit)
    for _ in range(count(1.25)):  # torn patches
        angles = np.sort(rng.uniform(0, 2 * np.pi, 9))
        radii = rng.uniform(3, 12) * unit * rng.uniform(0.5, 1.5, 9)
        corners = point() + np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
        cv2.fillPoly(canvas, [np.rint(corners).astype(np.int32)], 255, cv2.LINE_AA)
    return canvas.astype(np.float32) / np.float32(255)


def texture_dirt(
    size: tuple[int, int], rng: np.random.Generator, amount: float, textures: Sequence[Picture], unit: float
) -> Opacity:
    """Returns the opacity `(H, W)` in [0, 1] of random textures, each turned and made `unit` times .2 to .8 its size.

    Example:
        >>> texture_dirt((8, 8), np.random.default_rng(0), 9.0, [np.full((4, 4), 255, np.uint8)], 1.0).max().item()
        1.0
    """
    canvas = np.zeros(size, np.uint8)
    for _ in range(1 + int(rng.poisson(14 * amount * size[0] * size[1] / (256 * unit) ** 2))):
        piece = np.rot90(textures[int(rng.integers(len(textures)))], int(rng.integers(4)))
        sides = [max(1, round(side * unit * float(rng.uniform(0.2, 0.8)))) for side in piece.shape]
        small = cv2.resize(np.ascontiguousarray(piece), sides[::-1], interpolation=cv2.INTER_AREA)
        place = [int(rng.integers(1 - side, whole)) for side, whole in zip(sides, size, strict=True)]
        there = tuple(slice(max(0, p), min(w, p + s)) for p, s, w in zip(place, sides, size, strict=True))
        mine = tuple(slice(t.start - p, t.stop - p) for t, p in zip(there, place, strict=True))
        canvas[there] = np.maximum(canvas[there], np.asarray(small, np.uint8)[mine])
    return canvas.astype(np.float32) / np.float32(255)
