"""What cameras, screens, files and augmentation do to pictures. The only file that imports albumentations.

Every function is pure: the same seed gives the same bytes in any process and in any order.
"""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator

from restereo.options import Section, Weight

if TYPE_CHECKING:
    from restereo.sample import Scene  # it imports torch, which nothing here needs

Picture = NDArray[np.uint8]
Subsampling = Literal["420", "422", "444"]

Probability = Annotated[float, Field(ge=0, le=1)]
Levels = Annotated[float, Field(ge=0, le=128)]
Factor = Annotated[float, Field(gt=0, le=1)]
Positive = Annotated[float, Field(gt=0, le=20)]
Stops = Annotated[float, Field(ge=-4, le=4)]
Quality = Annotated[int, Field(ge=1, le=100)]
Name = Annotated[Subsampling, BeforeValidator(str)]  # YAML reads 420 as a number


@final
class Settings(Section):
    """`synthesize.degradations` of params.yaml: how often (probability, 0 = never) and how much (low, high)."""

    flip_horizontal: Probability = 0.5  # a mirrored scene; the eyes change places
    flip_vertical: Probability = 0.1  # a scene upside down
    shuffle_channels: Probability = 0.2  # R, G, B change places, alike in both eyes
    exposure: Probability = 0.5  # the eyes differ in exposure and gamma
    exposure_stops: tuple[Stops, Stops] = (-0.2, 0.2)  # of each eye
    exposure_gamma: tuple[Positive, Positive] = (0.93, 1.07)  # exponent on the encoded values of each eye
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


DEFAULT = Settings()


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


def augment_scene(scene: "Scene", seed: int, settings: Settings = DEFAULT) -> "Scene":
    """Returns the scene at times mirrored, upside down or with channels shuffled, its maps with it.

    Mirrored, the eyes change places: a point at x_l and x_r = x_l - d comes to lie at W-1-x_r in the new left and
    W-1-x_l in the new right view, x_l - x_r = d apart as before. So the maps change places and keep their sign.

    The truth has six channels (left RGB, right RGB); disparity and occlusion may be None; the seed is at least 0.

    Example:
        >>> from restereo.sample import Scene
        >>> scene = Scene("a", np.arange(12, dtype=np.uint8).reshape(1, 2, 6))
        >>> augment_scene(scene, 0, Settings(flip_horizontal=1, flip_vertical=0, shuffle_channels=0)).truth.tolist()
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


def perturb_pair(left: Picture, right: Picture, seed: int, settings: Settings = DEFAULT) -> tuple[Picture, Picture]:
    """Returns the two views with what differs between two cameras and belongs to the truth.

    Exposure and gamma of each eye, and a shift of one eye by 1 px up or down (the border row is repeated). Disparity
    and occlusion of a shifted eye are then one row off.

    The views are `(H, W, 3)` uint8, the seed is at least 0.

    Example:
        >>> view = np.full((2, 2, 3), 100, np.uint8)
        >>> left, right = perturb_pair(view, view, 1, Settings(exposure=1, exposure_stops=(1, 1), vertical_shift=0))
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


def degrade(anaglyph: Picture, seed: int, settings: Settings = DEFAULT) -> Picture:
    """Returns the picture as found in the wild: crosstalk, blur, lower resolution, noise, JPEG, in this order.

    Not for several threads at once: one process has one set of transforms.

    Args:
        anaglyph: `(H, W, 3)` uint8 RGB, not written to.
        seed: Any integer >= 0.
        settings: Probabilities and ranges.

    Example:
        >>> picture = np.full((8, 8, 3), 90, np.uint8)
        >>> degrade(picture, 3, Settings(clean=0, noise=1)).shape
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

    s = Settings.model_validate_json(settings_json)
    transforms = [
        Drawn(partial(_crosstalk, s), p=s.crosstalk),
        A.GaussianBlur(blur_limit=0, sigma_limit=s.blur_sigma, p=s.blur),
        Drawn(partial(_rescale, s), p=s.scale),
        Drawn(partial(_noise, s), p=s.noise),
        Drawn(partial(_jpeg, s), p=s.jpeg),
    ]
    return A.Compose(transforms, p=1 - s.clean, strict=True)


def _crosstalk(s: Settings, image: Picture, rng: np.random.Generator) -> Picture:
    share = rng.uniform(*s.crosstalk_share, size=(3, 1))
    others = rng.uniform(0.05, 1, (3, 3)) * (1 - np.eye(3))
    mix = (1 - share) * np.eye(3) + share * others / others.sum(1, keepdims=True)
    return np.asarray(cv2.transform(image, mix), np.uint8)


def _rescale(s: Settings, image: Picture, rng: np.random.Generator) -> Picture:
    size, factor = image.shape[1::-1], rng.uniform(*s.scale_factor)
    small = cv2.resize(image, [max(1, round(side * factor)) for side in size], interpolation=cv2.INTER_AREA)
    how = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return np.asarray(cv2.resize(small, size, interpolation=how), np.uint8)


def _noise(s: Settings, image: Picture, rng: np.random.Generator) -> Picture:
    # The library's GaussNoise cuts fractions off and knows 65,536 noise fields only.
    level = np.float32(rng.uniform(*s.noise_levels))
    noisy = image + level * rng.standard_normal(image.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _jpeg(s: Settings, image: Picture, rng: np.random.Generator) -> Picture:
    names, weights = list(s.jpeg_subsampling), np.array(list(s.jpeg_subsampling.values()))
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    return jpeg(image, int(rng.integers(s.jpeg_quality[0], s.jpeg_quality[1], endpoint=True)), name)
