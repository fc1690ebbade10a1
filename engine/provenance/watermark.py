"""The mark in the pixels: a keyed number of 48 bits in the luma of every frame, that outlives a new encoding.

How to read one, with the key and nothing else of ours:

1. **Canvas.** Luma as stored (BT.709, limited range), shrunk by area averaging until its short side is 144.
2. **Coefficients.** From its top left corner, whole 8 x 8 blocks; of each block's orthonormal DCT-II the coefficients
   (row, column) = (0, 1), (1, 0), (1, 1). A place is block row mod 8, block column mod 8 and coefficient, in this order
   192 places: p = (row * 8 + column) * 3 + coefficient.
3. **Key.** SHAKE-256 of key + "places" gives 192 big-endian 64-bit numbers; the place with the r-th smallest carries bit
   r mod 127. SHAKE-256 of key + "dither" gives 192 big-endian 32-bit numbers; divided by 2^32 they are the dither.
4. **Bits.** A coefficient c carries 0 where c / 28 - dither is near a whole number, and 1 where it is near a half. With
   the angle 2 pi (c / 28 - dither), a bit's vote is the sum of the cosines of all its coefficients in the frame: above
   zero for 0. A frame's energy is the mean square of its 127 votes over that of random angles, 63.5 / 127^2 times the
   number of its coefficients: about 1 without a mark. Votes of frames are summed, each weighted by energy - 1 where
   that is positive: a frame that lost its mark says nothing.
5. **Number.** The 127 bits are a word of `bch.py`; its 64 bits are the number and 16 bits of check, the first two bytes
   of HMAC-SHA256(key, "check" + the number in 6 bytes). Where the check fails there is no mark. Our reader also turns the least
   certain bits, up to ten, where a frame's energy says that there is one.

The picture may have been turned, cut or scaled before: `alignment.py` finds how. Writing moves each coefficient 60 % of
the way to its nearest lattice point (quantisation index modulation), and stays with the point of the frame before while
that is not far off, so that the mark does not flicker.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import cache
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Frame, Plane
from engine.provenance import bch
from engine.provenance.mark import NUMBER_BITS, Mark

SHORT_SIDE = 144
"""Of the canvas: coarse enough that its coefficients outlive CRF 33 and half size."""

LEAST_SHORT_SIDE = 288
"""Of a clip that is marked: below, blocks of the canvas come near those of the encoder, which flattens them."""

BLOCK, PERIOD = 8, 8
STEP = 28.0
STRENGTH = 0.6
"""Of the way to the lattice point: 47 dB, and 25 % more bytes at most (measured); all the way is 43 dB."""

HOLD = 0.6
"""Steps from the old lattice point until a new one is taken; 0.5 would be the nearest one always."""

CHECK_BITS = 16

DOUBTFUL = 10
"""Bits that may be turned beside the ten that the code repairs."""

SURELY = 2.0
"""Energy of a frame that has a mark: without one it is 1, and 0.12 its standard deviation."""

KEPT = ((0, 1), (1, 0), (1, 1))
_PLACES = PERIOD * PERIOD * len(KEPT)

Canvas = NDArray[np.float32]
Coefficients = NDArray[np.float32]
"""(block rows, block columns, 3)."""
Votes = NDArray[np.float64]
"""(127,), above zero for 0."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that was read. `agreement` is the share of the 127 bits that needed no repair, 0.84 to 1."""

    number: int
    agreement: float


def can_carry(width: int, height: int) -> bool:
    """Clips of this size are marked; smaller ones would lose the mark in their own encoding."""
    return min(width, height) >= LEAST_SHORT_SIDE


class Stamp:
    """Writes one number into the frames of one clip, in order."""

    def __init__(self, mark: Mark, *, width: int, height: int) -> None:
        self._size = canvas_size(width, height)
        rows, columns = self._size[1] // BLOCK, self._size[0] // BLOCK
        lattice = Lattice(mark.key)
        self._shift = _tile(lattice.shift(encode(mark.number, mark.key)), rows, columns)
        self._points = np.full((rows, columns, len(KEPT)), np.inf, np.float32)

    def stamp(self, frame: Frame) -> None:
        """Move the frame's luma, in place, by about one level."""
        height, width = frame.y.shape
        canvas = shrink(frame.y, self._size)
        away = self._pull(coefficients(canvas)) * np.float32(STRENGTH)
        change = cv2.resize(_pixels(away, self._size), (width, height), interpolation=cv2.INTER_CUBIC)
        cv2.add(frame.y, change, dst=frame.y, dtype=cv2.CV_8U)

    def _pull(self, found: Coefficients) -> Coefficients:
        """How far each coefficient is from its lattice point: the last frame's while that is near."""
        steps = found / np.float32(STEP) - self._shift
        nearest = np.rint(steps)
        self._points = np.where(np.abs(steps - self._points) <= HOLD, self._points, nearest)
        return (self._points - steps) * np.float32(STEP)


class Lattice:
    """What the key says: which bit each place carries, and by how much its lattice is shifted."""

    def __init__(self, key: bytes) -> None:
        order = np.frombuffer(hashlib.shake_256(key + b"places").digest(8 * _PLACES), ">u8")
        self.bits = np.empty(_PLACES, np.intp)
        self.bits[np.argsort(order, kind="stable")] = np.arange(_PLACES) % bch.LENGTH
        shifts = np.frombuffer(hashlib.shake_256(key + b"dither").digest(4 * _PLACES), ">u4")
        self.dither = (shifts / 2.0**32).astype(np.float32)
        self.turn = np.exp(-2j * np.pi * self.dither).astype(np.complex64)

    def shift(self, word: bch.Bits) -> NDArray[np.float32]:
        """Of the lattice at each place, in steps: (8, 8, 3)."""
        return (self.dither + word[self.bits] * np.float32(0.5)).reshape(PERIOD, PERIOD, len(KEPT))

    def votes(self, found: Coefficients) -> Votes:
        """Of one frame, as its canvas lies."""
        turned = (fold(angles(found)).ravel() * self.turn).real
        return np.bincount(self.bits, turned, bch.LENGTH).astype(np.float64)


def energy(votes: Votes, *, count: int) -> float:
    """About 1 without a mark; 60 standard deviations above it in a fresh clip. `count` coefficients voted."""
    return float((votes**2).mean() / (count / bch.LENGTH / 2))


class Poll:
    """The votes of all frames, each as loud as its own energy says."""

    def __init__(self) -> None:
        self.votes: Votes = np.zeros(bch.LENGTH)
        self.loudest = 0.0

    def add(self, votes: Votes, *, count: int) -> None:
        """One frame's; `count` coefficients voted."""
        loud = energy(votes, count=count)
        self.votes += max(loud - 1, 0) * votes
        self.loudest = max(self.loudest, loud)

    def decide(self, key: bytes) -> Reading | None:
        """The number that the votes say, or None: by chance they say one with 3e-10.

        Where a mark is surely there, the least certain bits are tried the other way round as well, few at a time.
        """
        word = (self.votes < 0).astype(np.uint8)
        doubtful = np.argsort(np.abs(self.votes))[: DOUBTFUL if self.loudest >= SURELY else 0]
        for turned in sorted(product((0, 1), repeat=len(doubtful)), key=sum):
            tried = word.copy()
            tried[doubtful] ^= np.array(turned, np.uint8)
            data = bch.decode(tried) if self.loudest else None
            if data is not None and data & (1 << CHECK_BITS) - 1 == _check(data >> CHECK_BITS, key):
                return Reading(data >> CHECK_BITS, agreement=float((bch.encode(data) == word).mean()))
        return None


def encode(number: int, key: bytes) -> bch.Bits:
    """The 127 bits that carry a number."""
    return bch.encode(number << CHECK_BITS | _check(number, key))


def canvas_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the canvas of a picture of this size."""
    scale = SHORT_SIDE / min(width, height)
    return round(width * scale), round(height * scale)


def shrink(luma: Plane, size: tuple[int, int]) -> Canvas:
    return np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.float32)


def coefficients(canvas: Canvas) -> Coefficients:
    """Of every whole block."""
    rows, columns = canvas.shape[0] // BLOCK, canvas.shape[1] // BLOCK
    blocks = canvas[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    found = blocks.transpose(0, 2, 1, 3).reshape(rows * columns, BLOCK * BLOCK) @ _basis().T
    return found.reshape(rows, columns, len(KEPT))


def angles(found: Coefficients) -> NDArray[np.complex64]:
    """Each coefficient's place between two lattice points, as a point on the circle."""
    turns = found * np.float32(2 * np.pi / STEP)
    circle = np.empty(turns.shape, np.complex64)
    circle.real, circle.imag = np.cos(turns), np.sin(turns)
    return circle


def fold(circle: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Blocks that carry the same bits, summed: (8, 8, 3)."""
    rows, columns = circle.shape[:2]
    whole = np.zeros((-(-rows // PERIOD) * PERIOD, -(-columns // PERIOD) * PERIOD, len(KEPT)), np.complex64)
    whole[:rows, :columns] = circle
    periods = whole.reshape(-1, PERIOD, whole.shape[1] // PERIOD, PERIOD, len(KEPT))
    return np.asarray(periods.sum(axis=(0, 2)), np.complex64)


def waves() -> NDArray[np.float32]:
    """The two lowest waves of the DCT-II of eight: (2, 8)."""
    flat = np.full(BLOCK, np.sqrt(1 / BLOCK))
    slope = np.sqrt(2 / BLOCK) * np.cos(np.pi * (2 * np.arange(BLOCK) + 1) / (2 * BLOCK))
    return np.stack([flat, slope]).astype(np.float32)


@cache
def _basis() -> NDArray[np.float32]:
    return np.stack([np.outer(waves()[row], waves()[column]).ravel() for row, column in KEPT])


def _pixels(found: Coefficients, size: tuple[int, int]) -> Canvas:
    """The canvas of these coefficients; zero where no whole block is."""
    rows, columns = found.shape[:2]
    blocks = (found.reshape(rows * columns, len(KEPT)) @ _basis()).reshape(rows, columns, BLOCK, BLOCK)
    canvas = np.zeros(size[::-1], np.float32)
    canvas[: rows * BLOCK, : columns * BLOCK] = blocks.transpose(0, 2, 1, 3).reshape(rows * BLOCK, -1)
    return canvas


def _tile(pattern: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    return np.tile(pattern, (-(-rows // PERIOD), -(-columns // PERIOD), 1))[:rows, :columns]


def _check(number: int, key: bytes) -> int:
    digest = hmac.digest(key, b"check" + number.to_bytes(NUMBER_BITS // 8), "sha256")
    return int.from_bytes(digest[: CHECK_BITS // 8])
