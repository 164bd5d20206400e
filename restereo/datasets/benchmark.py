"""The public benchmark's scenes, listed once. They are test wherever they come from.

A scene of a public data set is known by its name; anywhere else by the perceptual hash of either eye, so that a
renamed, scaled or recompressed copy is caught, and somebody's own picture of a piano is not. scikit-image's Motorcycle,
cut differently from Middlebury's quarter size, differs by 0 and 2 bits; the nearest of 2,004 unrelated pictures differs
by 10.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from restereo.imaging.hashing import hamming

SAME_PICTURE_BITS = 8


class Scene(NamedTuple):
    """A benchmark scene: its name as a regular expression, the hashes of its left and right picture."""

    name: str
    left: int
    right: int


SCENES = (
    Scene("cones", 0xCDA4D62B50E997D0, 0xECB5D3145AE59053),
    Scene("teddy", 0xE88BD7252995857A, 0xEC89D364AC96B269),
    Scene("aloe", 0xEEB69B639846A509, 0xE7939931984AB43D),
    Scene("adirondack", 0xFA88A754ACE53037, 0xEA8AA756AEC43433),
    Scene("motorcycle", 0xC507C66B9370AA73, 0xD507C36B9178AA53),
    Scene("piano", 0xA6A7D9789C2C85C3, 0xA2A5897E9E2C87D1),
    Scene("pipes", 0xFC780CA6435EECC1, 0xFF7D06B6414A64D0),
    Scene("recycle", 0xB2ECC3C7C3249A3C, 0xB2E7C3C6C1268B36),
    Scene("kitti.*2012.*000000_10", 0xFAF590147CF005CD, 0xFFF4981C3CB8048D),
    Scene("kitti.*2015.*000046_10", 0xCC8EB2B17165478B, 0xCC8EBAB771640789),
    Scene("kitti.*2015.*000151_10", 0xAACA8D955BAB944C, 0xAAEA8D945BAB944C),
)


def has_benchmark_name(name: str) -> bool:
    """Returns whether a pair of a public data set is a scene of the benchmark, by the scene's name in it, as a word.

    Args:
        name: The pair's name with its data set's in front.

    Example:
        >>> has_benchmark_name("middlebury2014_Piano"), has_benchmark_name("kitti2015_train_000002_10")
        (True, False)
    """
    return any(re.search(rf"(?<![a-z0-9]){scene.name}(?![a-z0-9])", name.lower()) for scene in SCENES)


def looks_like_benchmark(hashes: Iterable[int]) -> bool:
    """Returns whether a picture is a view of a benchmark scene.

    Args:
        hashes: Perceptual hashes of a photo, or of both views of a pair.

    Example:
        >>> looks_like_benchmark([0xEEB69B639846A50B])
        True
    """
    known = [eye for scene in SCENES for eye in (scene.left, scene.right)]
    return any(hamming(picture, eye) <= SAME_PICTURE_BITS for picture in hashes for eye in known)
