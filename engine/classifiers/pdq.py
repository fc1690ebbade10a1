"""PDQ, Meta's perceptual hash of a picture: 256 bits that survive scaling, recompression and small edits.

After the published reference (facebook/ThreatExchange, pdq/); bit for bit what its C++ gives (docs/decisions/0019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = 256

_SIDE = 64
_ROWS = 16
_LUMA = np.array([0.299, 0.587, 0.114])
_DCT = np.array(
    [
        [
            np.sqrt(2 / _SIDE) * np.cos(np.pi / 2 / _SIDE * (row + 1) * (2 * column + 1))
            for column in range(_SIDE)
        ]
        for row in range(_ROWS)
    ]
)


@dataclass(frozen=True, slots=True)
class PictureHash:
    """32 bytes, and how much there is to tell pictures apart by, 0..100: below 50 the hash means little."""

    code: bytes
    quality: int


def hash_picture(pixels: NDArray[np.uint8]) -> PictureHash:
    """`pixels` is (height, width, 3) RGB of any size."""
    luma = pixels.astype(np.float64) @ _LUMA
    height, width = luma.shape
    for _ in range(2):  # two passes of a box filter come near to a tent
        luma = _blur(_blur(luma, _window(width), axis=1), _window(height), axis=0)
    small = luma[np.ix_(_samples(height), _samples(width))]
    coefficients = (_DCT @ small @ _DCT.T).ravel()
    median = np.sort(coefficients)[BITS // 2 - 1]
    bits = (coefficients > median)[::-1]  # the reference writes the highest frequency first
    return PictureHash(np.packbits(bits).tobytes(), _quality(small))


def bits_apart(code: bytes, others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Hamming distances to each row of `others`, (hashes, 32)."""
    different = np.bitwise_xor(np.frombuffer(code, np.uint8), others)
    return np.asarray(np.unpackbits(different, axis=1).sum(axis=1, dtype=np.int64))


def _window(length: int) -> int:
    return (length + 2 * _SIDE - 1) // (2 * _SIDE)


def _samples(length: int) -> NDArray[np.int64]:
    return ((np.arange(_SIDE) + 0.5) * length / _SIDE).astype(np.int64)


def _blur(values: NDArray[np.float64], window: int, *, axis: int) -> NDArray[np.float64]:
    """The mean over `window` places; at the borders over those that there are."""
    length = values.shape[axis]
    sums = np.insert(np.cumsum(values, axis=axis), 0, 0.0, axis=axis)
    ends = np.arange(length) + (window + 2) // 2
    first, last = np.maximum(ends - window, 0), np.minimum(ends, length)
    counts = (last - first).reshape((-1, 1) if axis == 0 else (1, -1))
    return np.asarray((sums.take(last, axis) - sums.take(first, axis)) / counts)


def _quality(small: NDArray[np.float64]) -> int:
    steps = sum(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum() for axis in (0, 1))
    return min(100, int(steps / 90))
