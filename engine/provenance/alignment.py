"""Where the watermark's canvas lies in a picture that was cut.

No pilot is written for this: a mark has much more energy where it is read right than where it is not, so the way is to
look. It must be found to a quarter of the canvas' pixel, since in a picture with detail a coefficient changes by more than a
step of the lattice from one pixel to the next. So the scale must be known beforehand: a cut picture has the pixels that it
had. Every offset of the blocks, of the period and of a quarter pixel is tried; from the best places, small steps uphill.
A picture that was scaled by an unknown amount after a cut, or turned, would need thousands of such looks: it is not found.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.provenance import bch
from engine.provenance.watermark import (
    BLOCK,
    KEPT,
    PERIOD,
    STEP,
    Canvas,
    Coefficients,
    Lattice,
    Votes,
    angles,
    coefficients,
    energy,
    fold,
    waves,
)

WINDOW = BLOCK * PERIOD
"""Pixels of the canvas after which the mark repeats."""

_QUARTERS = (0.0, 0.25, 0.5, 0.75)

_TRIED = 3
"""Places that are climbed from."""

_UNCERTAINTY = 0.15
"""Pixels of the canvas by which a place on the quarter grid is wrong."""

_UPHILL = ((3, 0.001, 0.06, 0.12), (4, 0.0005, 0.03, 0.06))
"""Rounds: windows wide, steps of scale (share), angle (degrees) and place (pixels of the canvas)."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Canvas → picture: scaled by `scale` and turned by `degrees` about the canvas' point (0, 0), which lies at (x, y).

    The pattern's first block begins at the canvas' point (0, 0).
    """

    scale: float
    degrees: float
    x: float
    y: float

    def matrix(self, left: float, top: float) -> NDArray[np.float64]:
        """Takes a pixel's centre of a part of the canvas, which begins at (left, top), to the picture."""
        turn = np.deg2rad(self.degrees)
        axes = self.scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        # pixel i covers i to i + 1: its centre is half a pixel on, here and there
        return np.column_stack([axes, axes @ (left + 0.5, top + 0.5) + (self.x - 0.5, self.y - 0.5)])

    def moved(self, right: float, down: float) -> Alignment:
        """The canvas' point (right, down) becomes its point (0, 0)."""
        x, y = self.matrix(right - 0.5, down - 0.5)[:, 2] + 0.5
        return replace(self, x=float(x), y=float(y))


def align(pictures: Sequence[Plane], lattice: Lattice, *, scales: Sequence[float]) -> Iterator[Alignment]:
    """How the canvas may lie in pictures of one clip, all cut alike; `scales` are pixels of theirs for one of it."""
    for place in _look(pictures, lattice, scales):
        yield _climb(place, pictures, lattice)


def read_aligned(picture: Plane, alignment: Alignment) -> tuple[Coefficients, NDArray[np.bool_]]:
    """Coefficients of every whole period that touches the picture, and which blocks lie in it wholly."""
    height, width = picture.shape
    columns, rows = _periods(width, height, alignment)
    size = (len(columns) * WINDOW, len(rows) * WINDOW)
    matrix = alignment.matrix(columns[0] * WINDOW, rows[0] * WINDOW)
    return coefficients(_warp(picture, matrix, size)), _whole_blocks(picture.shape, matrix, size)


def votes_of(found: Coefficients, whole: NDArray[np.bool_], lattice: Lattice) -> Votes:
    """Of the blocks that lie in the picture; the part must begin with a period."""
    circle = angles(found) * whole[..., None]
    rows, columns = circle.shape[0] // PERIOD, circle.shape[1] // PERIOD
    folded = circle.reshape(rows, PERIOD, columns, PERIOD, -1).sum(axis=(0, 2))
    return np.bincount(lattice.bits, (folded.ravel() * lattice.turn).real, bch.LENGTH).astype(np.float64)


def _periods(width: int, height: int, alignment: Alignment) -> tuple[range, range]:
    """Numbers of the periods that touch the picture."""
    back = cv2.invertAffineTransform(alignment.matrix(-0.5, -0.5))
    corners = np.array([(x, y, 1) for x in (0, width) for y in (0, height)]) @ back.T / WINDOW
    (left, top), (right, bottom) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    return range(int(left), int(right)), range(int(top), int(bottom))


def _warp(picture: Plane, matrix: NDArray[np.float64], size: tuple[int, int]) -> Canvas:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    # twice as fine, then averaged: a point is not the pixel of the canvas
    fine = np.column_stack([matrix[:, :2] / 2, matrix[:, 2] - matrix[:, :2].sum(axis=1) / 4])
    drawn = cv2.warpAffine(picture, fine, (size[0] * 2, size[1] * 2), flags=flags)
    return cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _whole_blocks(
    shape: tuple[int, ...], matrix: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Which blocks of a part of the canvas lie in the picture."""
    inside = _warp(np.full(shape, 255, np.uint8), matrix, size)
    blocks = inside.reshape(size[1] // BLOCK, BLOCK, size[0] // BLOCK, BLOCK)
    return np.asarray(blocks.min(axis=(1, 3)) > 254)


def _look(pictures: Sequence[Plane], lattice: Lattice, scales: Sequence[float]) -> list[Alignment]:
    """The best places of all scales and offsets, a quarter of a pixel apart, the best first."""
    rolls = _Rolls(lattice)
    found = []
    large = [scale for scale in scales if min(_window(pictures[0], scale)) >= PERIOD]
    for scale, down, across in itertools.product(large, _QUARTERS, _QUARTERS):
        corner = _corner(pictures[0], scale).moved(across, down)
        strength, *begin = rolls.best(_circles(pictures, corner))
        found.append((strength, corner.moved(*begin)))
    found.sort(key=lambda it: it[0], reverse=True)
    return [place for _, place in found[:_TRIED]]


def _window(picture: Plane, scale: float) -> tuple[int, int]:
    """Rows and columns of blocks that fit into the picture at every offset."""
    height, width = picture.shape
    return int(height / scale - BLOCK + 1) // BLOCK, int(width / scale - BLOCK + 1) // BLOCK


def _corner(picture: Plane, scale: float) -> Alignment:
    """Where a window of all blocks that fit begins, so that it lies in the middle."""
    height, width = picture.shape
    down, across = ((it + 1) * BLOCK - 1 for it in _window(picture, scale))
    return Alignment(scale=scale, degrees=0.0, x=width / 2, y=height / 2).moved(-across / 2, -down / 2)


def _slide(blocks: int) -> NDArray[np.float32]:
    """The two waves at every offset of so many blocks."""
    size = blocks * BLOCK
    slide = np.zeros((2, size, size + BLOCK - 1), np.float32)
    for offset in range(size):
        slide[:, offset, offset : offset + BLOCK] = waves()
    return slide


def _circles(pictures: Sequence[Plane], corner: Alignment) -> NDArray[np.complex64]:
    """Angles at every offset of a block, summed over the pictures: (64 offsets, 192 places)."""
    rows, columns = _window(pictures[0], corner.scale)
    size = ((columns + 1) * BLOCK - 1, (rows + 1) * BLOCK - 1)
    parts = np.stack([_warp(picture, corner.matrix(0, 0), size) for picture in pictures])
    tall, wide = _slide(rows), _slide(columns)
    found = np.stack([tall[down] @ parts @ wide[across].T for down, across in KEPT], axis=-1)
    circle = (angles(found) * _steadiness(found)).sum(axis=0).reshape(rows, BLOCK, columns, BLOCK, -1)
    offsets = circle.transpose(1, 3, 0, 2, 4).reshape(BLOCK * BLOCK, rows, columns, -1)
    return np.stack([fold(it).ravel() for it in offsets])


def _steadiness(found: NDArray[np.float32]) -> NDArray[np.float32]:
    """0..1: a coefficient that changes much from one pixel to the next says nothing until the place is known exactly."""
    down, across = np.gradient(found, axis=(1, 2))
    return np.asarray(
        np.exp(-0.5 * (2 * np.pi * _UNCERTAINTY / STEP) ** 2 * (down**2 + across**2)), np.float32
    )


class _Rolls:
    """The pattern at each of the 64 offsets of its period, its places in the order of the bits."""

    def __init__(self, lattice: Lattice) -> None:
        places = np.arange(lattice.bits.size).reshape(PERIOD, PERIOD, -1)
        # a window whose first block is block (down, across) of the period
        rolled = np.stack(
            [
                np.roll(places, (-down, -across), (0, 1)).ravel()
                for down in range(PERIOD)
                for across in range(PERIOD)
            ]
        )
        self._order = np.argsort(lattice.bits[rolled], axis=1, kind="stable")
        self._turn = np.take_along_axis(lattice.turn[rolled], self._order, axis=1)
        self._starts = np.searchsorted(np.sort(lattice.bits), np.arange(bch.LENGTH))

    def best(self, circles: NDArray[np.complex64]) -> tuple[float, int, int]:
        """Energy, and how far right and down of the window's corner a period begins, in pixels of the canvas."""
        turned = (circles[:, self._order] * self._turn).real
        votes = np.add.reduceat(turned, self._starts, axis=2)
        energies = (votes**2).mean(axis=2)
        energies /= np.median(energies)
        offset, roll = np.unravel_index(int(energies.argmax()), energies.shape)
        (down, across), (row, column) = divmod(int(offset), BLOCK), divmod(int(roll), PERIOD)
        return float(energies.max()), across - column * BLOCK, down - row * BLOCK


def _climb(start: Alignment, pictures: Sequence[Plane], lattice: Lattice) -> Alignment:
    """Uphill in small steps; the windows grow as the steps shrink, since only a large one sees small errors."""
    height, width = pictures[0].shape
    best = start
    for windows, share, degrees, pixels in _UPHILL:
        strength = _strength(best, pictures, lattice, windows=windows)
        steps = ((share, 0, 0, 0), (0, degrees, 0, 0), (0, 0, pixels, 0), (0, 0, 0, pixels))
        for step in itertools.chain(*itertools.repeat(steps, 3)):
            for sign in (1, -1):
                tried = _nudged(best, *(sign * it for it in step), middle=(width / 2, height / 2))
                stronger = _strength(tried, pictures, lattice, windows=windows)
                if stronger > strength:
                    best, strength = tried, stronger
    return best


def _nudged(
    at: Alignment, share: float, degrees: float, right: float, down: float, *, middle: tuple[float, float]
) -> Alignment:
    """A little larger and further turned about the middle, then moved by pixels of the canvas."""
    turned = replace(at, scale=at.scale * (1 + share), degrees=at.degrees + degrees)
    x, y = _on_canvas(at, middle)
    there = turned.moved(x, y)
    return replace(
        turned,
        x=turned.x + middle[0] - there.x + right * at.scale,
        y=turned.y + middle[1] - there.y + down * at.scale,
    )


def _on_canvas(at: Alignment, point: tuple[float, float]) -> tuple[float, float]:
    x, y = cv2.invertAffineTransform(at.matrix(-0.5, -0.5)) @ (*point, 1)
    return float(x), float(y)


def _strength(at: Alignment, pictures: Sequence[Plane], lattice: Lattice, *, windows: int) -> float:
    """Energy of the pictures' sum in so many windows each way around the middle."""
    height, width = pictures[0].shape
    x, y = _on_canvas(at, (width / 2, height / 2))
    left, top = (round(it / WINDOW - windows / 2) * WINDOW for it in (x, y))
    matrix, size = at.matrix(left, top), (windows * WINDOW, windows * WINDOW)
    inside = _whole_blocks(pictures[0].shape, matrix, size)
    found = [coefficients(_warp(picture, matrix, size)) for picture in pictures]
    votes = sum((votes_of(it, inside, lattice) for it in found), np.zeros(bch.LENGTH))
    return energy(votes, count=len(found) * int(inside.sum()) * found[0].shape[2])
