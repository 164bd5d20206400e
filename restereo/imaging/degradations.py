"""What cameras, screens, files, time and augmentation do to pictures. The only file that imports albumentations.

Every function is pure: the same seed, or the same state of a generator, gives the same bytes in any process and order.
"""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator

from restereo.image import Picture
from restereo.options import Section, Weight

if TYPE_CHECKING:
    from restereo.sample import Scene  # it imports torch, which nothing here needs

Subsampling = Literal["420", "422", "444"]

Probability = Annotated[float, Field(ge=0, le=1)]
Levels = Annotated[float, Field(ge=0, le=128)]
Factor = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=20)]
Stops = Annotated[float, Field(ge=-4, le=4)]
Quality = Annotated[int, Field(ge=1, le=100)]
Name = Annotated[Subsampling, BeforeValidator(str)]  # YAML reads 420 as a number
Opacity = NDArray[np.float32]

DESTROYED = 0.1
"""Opacity of dirt above which a pixel counts as destroyed."""


@final
class Degradations(Section):
    """`synthesize.degradations` of params.yaml: how often (probability, 0 = never) and how much (low, high)."""

    flip_horizontal: Probability = 0.5  # a mirrored scene; the eyes change places
    flip_vertical: Probability = 0.1  # a scene upside down
    shuffle_channels: Probability = 0.2  # R, G, B change places, alike in both eyes
    exposure: Probability = 0.5  # the eyes differ in exposure and gamma
    exposure_stops: tuple[Stops, Stops] = (-0.2, 0.2)  # of each eye
    exposure_gamma: tuple[Positive, Positive] = (0.93, 1.07)  # exponent on the encoded values of each eye
    spectrum: Probability = 0.0  # one eye's colours are of another world: to learn matching, not colours
    vertical_shift: Probability = 0.15  # one eye is 1 px higher or lower
    clean: Probability = 0.3  # the anaglyph keeps all its values; what follows applies to the others
    crosstalk: Probability = 0.25  # colour channels leak into each other
    crosstalk_share: tuple[Probability, Probability] = (0.01, 0.08)  # of a channel that comes from the other two
    blur: Probability = 0.15  # Gaussian
    blur_sigma: tuple[Positive, Positive] = (0.3, 1.0)  # px
    scale: Probability = 0.2  # shrunk and enlarged back
    scale_factor: tuple[Factor, Factor] = (0.5, 0.95)  # size of the shrunk picture
    noise: Probability = 0.3  # Gaussian, independent per pixel and channel, hence per eye
    noise_levels: tuple[Levels, Levels] = (0.5, 6.0)  # standard deviation, of 255
    jpeg: Probability = 0.75  # a JPEG file
    jpeg_quality: tuple[Quality, Quality] = (60, 100)  # as libjpeg counts
    # weight of each chroma subsampling
    jpeg_subsampling: dict[Name, Weight] = Field({"420": 0.8, "422": 0.1, "444": 0.1})

    @field_validator("*")
    @classmethod
    def _check(cls, value: Any) -> Any:
        if isinstance(value, tuple) and value[0] > value[1]:
            raise ValueError("the first number must not exceed the second")
        if isinstance(value, dict) and sum(value.values()) <= 0:
            raise ValueError("at least one weight must be above 0")
        return value


DEFAULT = Degradations()


def jpeg(image: Picture, quality: int, subsampling: Subsampling = "420") -> Picture:
    """Returns the picture as it comes back from a JPEG file.

    Args:
        image: `(H, W, 3)` uint8 RGB, or `(H, W)` or `(H, W, 1)` grey.
        quality: libjpeg's quality, 1 to 100.
        subsampling: Chroma at half size both ways (420), across (422) or at full size (444).

    Example:
        >>> jpeg(np.full((8, 8, 3), (200, 10, 10), np.uint8), 95)[4, 4].tolist()
        [200, 10, 10]
    """
    sampling = getattr(cv2, f"IMWRITE_JPEG_SAMPLING_FACTOR_{subsampling}")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling]
    colour = image.shape[2:] == (3,)
    # OpenCV's order is BGR; given RGB, JPEG would weigh red as blue and damage the wrong eye.
    _, coded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if colour else image, options)
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE)
    return np.asarray(decoded, np.uint8).reshape(image.shape)


def augment_scene(scene: "Scene", seed: int, settings: Degradations = DEFAULT) -> "Scene":
    """Returns the scene at times mirrored, upside down or with channels shuffled, its maps with it.

    Mirrored, the eyes change places: a point at x_l and x_r = x_l - d comes to lie at W-1-x_r in the new left and
    W-1-x_l in the new right view, x_l - x_r = d apart as before. So the maps change places and keep their sign.

    The truth has six channels (left RGB, right RGB); disparity and occlusion may be None; the seed is at least 0.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.arange(12, dtype=np.uint8).reshape(1, 2, 6))
        >>> augment_scene(scene, 0, Degradations(flip_horizontal=1, flip_vertical=0, shuffle_channels=0)).truth.tolist()
        [[[9, 10, 11, 6, 7, 8], [3, 4, 5, 0, 1, 2]]]
    """
    rng = np.random.default_rng(seed)
    truth = scene.truth
    maps: list[NDArray[Any] | None] = [scene.disparity, scene.occlusion]
    if rng.random() < settings.flip_horizontal:
        truth = truth[:, ::-1, [3, 4, 5, 0, 1, 2]]
        maps = [None if one is None else one[::-1, :, ::-1] for one in maps]
    if rng.random() < settings.flip_vertical:
        truth = truth[::-1]
        maps = [None if one is None else one[:, ::-1] for one in maps]
    if rng.random() < settings.shuffle_channels:
        order = rng.permutation(3)
        truth = truth[..., [*order, *(order + 3)]]
    disparity, occlusion = (None if one is None else np.ascontiguousarray(one) for one in maps)
    return replace(scene, truth=np.ascontiguousarray(truth), disparity=disparity, occlusion=occlusion)


def perturb_pair(left: Picture, right: Picture, seed: int, settings: Degradations = DEFAULT) -> tuple[Picture, Picture]:
    """Returns the two views with what differs between two cameras and belongs to the truth.

    Exposure and gamma of each eye, and a shift of one eye by 1 px up or down (the border row is repeated). Disparity
    and occlusion of a shifted eye are then one row off.

    The views are `(H, W, 3)` uint8, the seed is at least 0.

    Example:
        >>> view = np.full((2, 2, 3), 100, np.uint8)
        >>> left, right = perturb_pair(view, view, 1, Degradations(exposure=1, exposure_stops=(1, 1), vertical_shift=0))
        >>> bool((left > view).all())
        True
    """
    rng = np.random.default_rng(seed)
    views = [left, right]
    if rng.random() < settings.exposure:
        for eye in range(2):
            gain = 2 ** rng.uniform(*settings.exposure_stops)
            # A gain in light is gain^(1/2.2) on values encoded with a power of 2.2 (about sRGB's curve).
            curve = gain ** (1 / 2.2) * np.linspace(0, 1, 256) ** rng.uniform(*settings.exposure_gamma)
            views[eye] = np.asarray(cv2.LUT(views[eye], np.rint(255 * curve.clip(0, 1)).astype(np.uint8)), np.uint8)
    if rng.random() < settings.vertical_shift:
        eye, shift = int(rng.integers(2)), int(rng.choice([-1, 1]))
        height = views[eye].shape[0]
        views[eye] = views[eye][np.clip(np.arange(height) + shift, 0, height - 1)]
    return views[0], views[1]


def other_spectrum(view: Picture, seed: int) -> Picture:
    """Returns a view as a camera of random spectral sensitivities sees it: channels mixed, bent, at times inverted.

    Matching that is taught by such eyes does not trust colours (arXiv 2312.08946).

    Args:
        view: `(H, W, 3)` uint8.
        seed: At least 0.

    Example:
        >>> other_spectrum(np.full((2, 2, 3), 100, np.uint8), 0).shape
        (2, 2, 3)
    """
    rng = np.random.default_rng(seed)
    mixed = cv2.transform(view, rng.dirichlet(np.ones(3), size=3).astype(np.float32))
    knots = np.sort(rng.uniform(0, 255, (3, 4)), axis=1)
    knots = np.where(rng.random((3, 1)) < 0.25, knots[:, ::-1], knots)
    curves = [np.interp(np.arange(256), np.linspace(0, 255, 4), one) for one in knots]
    return np.asarray(cv2.LUT(mixed, np.rint(np.stack(curves, -1)[None]).astype(np.uint8)), np.uint8)


def degrade_anaglyph(anaglyph: Picture, seed: int, settings: Degradations = DEFAULT) -> Picture:
    """Returns the picture as found in the wild: crosstalk, blur, lower resolution, noise, JPEG, in this order.

    Not for several threads at once: one process has one set of transforms.

    Args:
        anaglyph: `(H, W, 3)` uint8 RGB, not written to.
        seed: Any integer >= 0.
        settings: Probabilities and ranges.

    Example:
        >>> picture = np.full((8, 8, 3), 90, np.uint8)
        >>> degrade_anaglyph(picture, 3, Degradations(clean=0, noise=1)).shape
        (8, 8, 3)
    """
    transforms = _transforms(settings.model_dump_json())  # text is hashable where settings with a dict are not
    # `set_random_seed` would give every transform the same stream: all coins would fall alike.
    transforms.set_random_state(np.random.default_rng(seed), random.Random(seed))
    return np.asarray(transforms(image=anaglyph)["image"], np.uint8)


@lru_cache(maxsize=16)
def _transforms(settings_json: str) -> Any:
    """Returns the transforms of these settings, built once per process; building takes longer than applying."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # else the import asks the network for a newer version
    import albumentations as A

    @final
    class Drawn(A.ImageOnlyTransform):  # type: ignore[misc]  # the library has no types
        """A change of the picture that draws its amount from the generator set for this call."""

        def __init__(self, change: Callable[[Picture, np.random.Generator], Picture], p: float) -> None:
            super().__init__(p=p)
            self.change = change

        def apply(self, img: Picture, **_: Any) -> Picture:
            return self.change(img, self.random_generator)

    s = Degradations.model_validate_json(settings_json)
    transforms = [
        Drawn(partial(_crosstalk, s), p=s.crosstalk),
        A.GaussianBlur(blur_limit=0, sigma_limit=s.blur_sigma, p=s.blur),
        Drawn(partial(_rescale, s), p=s.scale),
        Drawn(partial(_noise, s), p=s.noise),
        Drawn(partial(_jpeg, s), p=s.jpeg),
    ]
    return A.Compose(transforms, p=1 - s.clean, strict=True)


def _crosstalk(s: Degradations, image: Picture, rng: np.random.Generator) -> Picture:
    share = rng.uniform(*s.crosstalk_share, size=(3, 1))
    others = rng.uniform(0.05, 1, (3, 3)) * (1 - np.eye(3))
    mix = (1 - share) * np.eye(3) + share * others / others.sum(1, keepdims=True)
    return np.asarray(cv2.transform(image, mix), np.uint8)


def _rescale(s: Degradations, image: Picture, rng: np.random.Generator) -> Picture:
    size, factor = image.shape[1::-1], rng.uniform(*s.scale_factor)
    small = cv2.resize(image, [max(1, round(side * factor)) for side in size], interpolation=cv2.INTER_AREA)
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return np.asarray(cv2.resize(small, size, interpolation=how), np.uint8)


def _noise(s: Degradations, image: Picture, rng: np.random.Generator) -> Picture:
    # The library's GaussNoise cuts fractions off and knows 65,536 noise fields only.
    level = np.float32(rng.uniform(*s.noise_levels))
    noisy = image + level * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _jpeg(s: Degradations, image: Picture, rng: np.random.Generator) -> Picture:
    names, weights = list(s.jpeg_subsampling), np.array(list(s.jpeg_subsampling.values()))
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return jpeg(image, int(rng.integers(s.jpeg_quality[0], s.jpeg_quality[1], endpoint=True)), name)


@dataclass(frozen=True)
class OldPhotoDegradation:
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


def degrade_old_photo(
    grey: Picture, rng: np.random.Generator, degradation: OldPhotoDegradation, textures: Sequence[Picture] = ()
) -> tuple[Picture, NDArray[np.bool_]]:
    """Returns the degraded picture `(H, W, 1)` uint8 and where it was destroyed, `(H, W)` bool.

    Args:
        grey: `(H, W, 1)` uint8.
        rng: Decides everything.
        degradation: How much.
        textures: Opacities of single pieces of real dirt, `(h, w)` uint8: 255 hides all.

    Example:
        >>> grey, dirty = np.full((40, 40, 1), 128, np.uint8), OldPhotoDegradation(grain=0.0, dirt=3.0)
        >>> picture, mask = degrade_old_photo(grey, np.random.default_rng(0), dirty)
        >>> bool((picture[~mask] > 110).all()), bool(mask.any())
        (True, True)
    """
    size = grey.shape[0], grey.shape[1]
    opacity = np.zeros(size, np.float32)
    if degradation.dirt > 0:
        from_texture = bool(len(textures)) and rng.random() < 0.5
        unit = coarseness_of(size) if degradation.coarseness is None else degradation.coarseness
        if from_texture:
            opacity = texture_dirt(size, rng, degradation.dirt, textures, unit)
        else:
            opacity = drawn_dirt(size, rng, degradation.dirt, unit)
    tone = np.float32(rng.choice([rng.uniform(0.75, 1.0), rng.uniform(0.0, 0.25)], p=[0.7, 0.3]))
    grain = np.float32(degradation.grain) * rng.standard_normal(size, np.float32)
    noisy, dirty = grey[..., 0] / np.float32(255) + grain, tone + np.float32(degradation.grain_on_dirt) * grain
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


def random_flip(scene: "Scene", rng: np.random.Generator) -> "Scene":
    """Returns the scene of one view, every other time mirrored. Pairs: `augment_scene`.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.arange(6, dtype=np.uint8).reshape(1, 2, 3))
        >>> random_flip(scene, np.random.default_rng(1)).truth.tolist()
        [[[0, 1, 2], [3, 4, 5]]]
        >>> random_flip(scene, np.random.default_rng(3)).truth.tolist()
        [[[3, 4, 5], [0, 1, 2]]]
    """
    if rng.random() < 0.5:
        return replace(scene, truth=np.ascontiguousarray(scene.truth[:, ::-1]))
    return scene


def downscale(scene: "Scene", width: int | None) -> "Scene":
    """Returns the scene with views at most `width` px wide, disparities in the new px; None = as it is.

    Colours are averaged over areas; of disparity and occlusion the nearest pixel is taken, so that edges stay edges.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.zeros((4, 8, 6), np.uint8), np.full((2, 4, 8), 6.0, np.float32))
        >>> small = downscale(scene, 4)
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


def downscale_to_side(scene: "Scene", side: int) -> "Scene":
    """Returns the scene of one view with a shorter side of at most `side` px, colours averaged over areas.

    Example:
        >>> from restereo.sample import Scene
        >>> downscale_to_side(Scene("a", np.zeros((8, 12, 3), np.uint8)), 4).truth.shape
        (4, 6, 3)
    """
    height, width = scene.truth.shape[:2]
    share = side / min(height, width)
    if share >= 1:
        return scene
    size = max(side, round(width * share)), max(side, round(height * share))
    return replace(scene, truth=np.asarray(cv2.resize(scene.truth, size, interpolation=cv2.INTER_AREA), np.uint8))
