"""Displacements on a coarse grid, and applying them: one `remap` a plane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.renderers.scene.filters import resize_map
from engine.renderers.scene.picture import Map, Picture

STEP = 8
"""Pixels between nodes; the moves here bend far less than that over eight pixels."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the frame; all sides are even, so that it is whole in the chroma planes too."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, x: Map, y: Map, *, width: int, height: int, rim: float = 0.0) -> Region:
        """The points' bounding box, with a rim (one against rounding at least), inside the frame."""
        left, right = _even_span(float(x.min()) - rim, float(x.max()) + rim, width)
        top, bottom = _even_span(float(y.min()) - rim, float(y.max()) + rim, height)
        return cls(left, top, right, bottom)

    @property
    def size(self) -> int:
        """Pixels."""
        return max(0, self.right - self.left) * max(0, self.bottom - self.top)

    def common(self, other: Region) -> Region:
        """What two regions that meet share."""
        return Region(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def within(self, outer: Region) -> Region:
        """The same region, in pixels of a picture that shows only `outer`."""
        return Region(
            self.left - outer.left, self.top - outer.top, self.right - outer.left, self.bottom - outer.top
        )

    @property
    def full(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def half(self) -> tuple[slice, slice]:
        return slice(self.top // 2, self.bottom // 2), slice(self.left // 2, self.right // 2)


def _even_span(low: float, high: float, size: int) -> tuple[int, int]:
    start, stop = int(low - 4) // 2 * 2, int(high + 6) // 2 * 2
    start = min(max(0, start), size - 2)
    return start, max(start + 2, min(size, stop))


class Grid:
    """Nodes every STEP pixels with one more beyond each side: without it the last pixels would smear.

    `x` and `y` are the nodes' places in the frame, in pixels; (rows, columns).
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        columns, rows = -(-width // STEP) + 2, -(-height // STEP) + 2
        across = (np.arange(columns, dtype=np.float32) - 0.5) * STEP - 0.5
        down = (np.arange(rows, dtype=np.float32) - 0.5) * STEP - 0.5
        self.x, self.y = (np.ascontiguousarray(axis) for axis in np.meshgrid(across, down))

    def sample(self, values: Map) -> Map:
        """A map of the frame, of any size, at the nodes."""
        rows, columns = self.x.shape
        inner = resize_map(values.astype(np.float32), columns - 2, rows - 2)
        return np.pad(inner, 1, mode="edge")

    def spread(self, nodes: Map, region: Region, *, scale: int = 1) -> Map:
        """Node values for every pixel of a region at 1 / scale of its size."""
        step = STEP // scale
        first_row, first_column = region.top // STEP, region.left // STEP
        around = nodes[first_row : -(-region.bottom // STEP) + 2, first_column : -(-region.right // STEP) + 2]
        rows, columns = around.shape
        wide = cv2.resize(around, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        top = region.top // scale - (first_row - 1) * step
        left = region.left // scale - (first_column - 1) * step
        height, width = (region.bottom - region.top) // scale, (region.right - region.left) // scale
        return np.asarray(wide[top : top + height, left : left + width])


class Shift(NamedTuple):
    """How far what the photo shows at each node has moved by itself: right and down, in pixels."""

    x: Map
    y: Map


class Sources(NamedTuple):
    """Where each pixel of a region comes from, for full size and for chroma."""

    x: Map
    y: Map
    half_x: Map
    half_y: Map

    def move(self, picture: Picture) -> Picture:
        """The region of the moved picture."""
        return Picture(_remap(picture.y, self.x, self.y), self.move_half(picture.uv))

    def move_half(self, uv: Plane) -> Plane:
        return _remap(uv, self.half_x, self.half_y)


class Warp:
    """Where each place of one frame comes from. Effects add to it."""

    def __init__(self, grid: Grid, from_x: Map, from_y: Map) -> None:
        self._grid, self._from_x, self._from_y = grid, from_x, from_y
        self._ripples: list[tuple[int, Map, Map]] = []

    def push(self, x: Map, y: Map) -> None:
        """Add a displacement at the nodes, in pixels."""
        self._from_x = self._from_x + x
        self._from_y = self._from_y + y

    def ripple(self, top: int, x: Map, y: Map) -> None:
        """Add a finer displacement: rows of half-size maps from half-size row `top` on, in full-size pixels."""
        self._ripples.append((top, x, y))

    def carry(self, shift: Shift) -> None:
        """Add what moves by itself in the photo: it is looked up where the camera has taken it."""
        across, down = (
            ((axis + 0.5) / STEP + 0.5).astype(np.float32) for axis in (self._from_x, self._from_y)
        )
        moved_x, moved_y = (
            cv2.remap(axis, across, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE) for axis in shift
        )
        self._from_x = self._from_x - moved_x
        self._from_y = self._from_y - moved_y

    def apply(self, picture: Picture) -> Picture:
        """The moved picture."""
        if self._stays():
            return Picture(picture.y.copy(), picture.uv.copy())
        sources = self.look_up(Region(0, 0, self._grid.width, self._grid.height))
        for top, x, y in self._ripples:
            _add_rows(sources.x, x, top=2 * top, times=2)
            _add_rows(sources.y, y, top=2 * top, times=2)
            _add_rows(sources.half_x, x * np.float32(0.5), top=top, times=1)
            _add_rows(sources.half_y, y * np.float32(0.5), top=top, times=1)
        return sources.move(picture)

    def look_up(self, region: Region) -> Sources:
        """For one region, without ripples, so that several pictures can be moved alike."""
        nodes = [axis.astype(np.float32) for axis in (self._from_x, self._from_y)]
        full_x, full_y = (self._grid.spread(axis, region) for axis in nodes)
        half_x, half_y = (self._grid.spread(axis * 0.5 - 0.25, region, scale=2) for axis in nodes)
        return Sources(full_x, full_y, half_x, half_y)

    def _stays(self) -> bool:
        moved = max(np.abs(self._from_x - self._grid.x).max(), np.abs(self._from_y - self._grid.y).max())
        return bool(moved < 1e-3) and not self._ripples


def move_flat(picture: Picture, matrix: NDArray[np.float64], region: Region) -> Picture:
    """The region of a picture that moves as one plane; `matrix` (2, 3) leads from the frame to the picture."""
    height, width = region.bottom - region.top, region.right - region.left
    full = _from_region(matrix, region)
    return Picture(_affine(picture.y, full, width, height), move_flat_half(picture.uv, matrix, region))


def move_flat_half(plane: Plane, matrix: NDArray[np.float64], region: Region) -> Plane:
    """The same for a plane of half the size; a pixel n of it lies at 2n + 0.5."""
    full = _from_region(matrix, region)
    half = full.copy()
    half[:, 2] = (full[:, 2] + full[:, :2] @ (0.5, 0.5)) / 2 - 0.25
    return _affine(plane, half, (region.right - region.left) // 2, (region.bottom - region.top) // 2)


def _from_region(matrix: NDArray[np.float64], region: Region) -> NDArray[np.float64]:
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (region.left, region.top)
    return moved


def _add_rows(values: Map, more: Map, *, top: int, times: int) -> None:
    size = (values.shape[1], len(more) * times)
    values[top : top + size[1]] += more if times == 1 else cv2.resize(more, size)


def _remap(plane: Plane, x: Map, y: Map) -> Plane:
    return _by_channel(
        plane, lambda one: cv2.remap(one, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101)
    )


def _affine(plane: Plane, matrix: NDArray[np.float64], width: int, height: int) -> Plane:
    flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
    return _by_channel(
        plane, lambda one: cv2.warpAffine(one, matrix, (width, height), flags=flags, borderMode=border)
    )


def _by_channel(plane: Plane, move: Callable[[Plane], Any]) -> Plane:
    """OpenCV is quick with single channels: U and V one by one take two thirds of the time of both at once."""
    if plane.ndim == 2:
        return np.asarray(move(plane), np.uint8)
    return np.asarray(cv2.merge([move(np.asarray(cv2.extractChannel(plane, n))) for n in (0, 1)]), np.uint8)
