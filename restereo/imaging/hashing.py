"""A 64-bit number that stays nearly the same when a picture is scaled, recompressed or slightly retouched."""

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from restereo.image import Picture

SIDE = 32
FREQUENCIES = 8


def perceptual_hash(picture: Picture) -> int:
    """Returns the DCT hash ("pHash"), 64 bits: which low frequencies of the luma lie above their median.

    The picture is shrunk to 32x32; of its DCT the lowest 8x8 coefficients give the bits, row by row, the
    mean brightness first (Zauner, Implementation and Benchmarking of Perceptual Image Hash Functions, 2010).

    Args:
        picture: `(H, W, 3)` uint8 RGB.

    Example:
        >>> picture = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        >>> larger = picture.repeat(12, axis=0).repeat(16, axis=1)
        >>> hamming(perceptual_hash(larger), perceptual_hash(larger // 2 + 20)) <= 4
        True
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    small = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    low = dctn(small, norm="ortho")[:FREQUENCIES, :FREQUENCIES]
    return int.from_bytes(np.packbits(low > np.median(low)).tobytes(), "big")


def hamming(first: int, second: int) -> int:
    """Returns how many of the bits differ, 0 to 64.

    Example:
        >>> hamming(0b1011, 0b0010)
        2
    """
    return (first ^ second).bit_count()


def near_duplicates(hashes: NDArray[np.uint64], bits: int) -> list[tuple[int, int]]:
    """Returns the index pairs (i < j, sorted) whose hashes differ in at most `bits` bits.

    Compares all with all, a row at a time: memory grows with their number only.

    Example:
        >>> near_duplicates(np.array([0, 255, 1], dtype=np.uint64), bits=1)
        [(0, 2)]
    """
    found = []
    for i, value in enumerate(hashes):
        close = np.flatnonzero(np.bitwise_count(hashes[i + 1 :] ^ value) <= bits)
        found += [(i, i + 1 + int(j)) for j in close]
    return found
