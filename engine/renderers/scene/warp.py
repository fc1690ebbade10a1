"""Displacements on a coarse grid, and applying them: one `remap` a plane."""

from __future__ import annotations

from dataclasses import dataclass

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
    def around(cls, x: Map, y: Map, *, width: int, height: int) -> Region:
        """The points' bounding box, with a rim against rounding, inside the frame."""
        left, right = _even_span(float(x.min()), float(x.max()), width)
        top, bottom = _even_span(float(y.min()), float(y.max()), height)
        return cls(left, top, right, bottom)

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

    def spread(self, nodes: Map, *, scale: int = 1) -> Map:
        """Node values for every pixel of the frame at 1 / scale of its size."""
        rows, columns = nodes.shape
        step = STEP // scale
        wide = cv2.resize(nodes, (columns * step, rows * step), interpolation=cv2.INTER_LINEAR)
        return np.asarray(wide[step : step + self.height // scale, step : step + self.width // scale])


class Warp:
    """Where each place of one frame comes from. Effects add to `from_x` and `from_y` (nodes, in pixels)."""

    def __init__(self, grid: Grid, from_x: Map, from_y: Map) -> None:
        self.grid, self.from_x, self.from_y = grid, from_x, from_y
        self._ripples: list[tuple[int, Map, Map]] = []

    def push(self, x: Map, y: Map) -> None:
        """Add a displacement at the nodes, in pixels."""
        self.from_x = self.from_x + x
        self.from_y = self.from_y + y

    def ripple(self, top: int, x: Map, y: Map) -> None:
        """Add a finer displacement: rows of half-size maps from half-size row `top` on, in full-size pixels."""
        self._ripples.append((top, x, y))

    def apply(self, picture: Picture, region: Region | None = None) -> Picture:
        """The moved picture, or the region of it."""
        if region is None and self._stays():
            return Picture(picture.y.copy(), picture.uv.copy())
        full, half = self._maps(1), self._maps(2)
        if region is not None:
            full, half = _cut(full, region.full), _cut(half, region.half)
        return Picture(_remap(picture.y, full), _remap(picture.uv, half))

    def cover(self, plane: Plane, region: Region) -> Plane:
        """A mask, moved along; the frame's edge goes on outside."""
        x, y = _cut(self._maps(1), region.full)
        return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE), np.uint8)

    def _stays(self) -> bool:
        moved = max(np.abs(self.from_x - self.grid.x).max(), np.abs(self.from_y - self.grid.y).max())
        return bool(moved < 1e-3) and not self._ripples

    def _maps(self, scale: int) -> tuple[Map, Map]:
        x, y = self.grid.spread(self.from_x, scale=scale), self.grid.spread(self.from_y, scale=scale)
        if scale == 2:
            x, y = x * np.float32(0.5) - np.float32(0.25), y * np.float32(0.5) - np.float32(0.25)
        for top, more_x, more_y in self._ripples:
            _add_rows(x, more_x, top=top, scale=scale)
            _add_rows(y, more_y, top=top, scale=scale)
        return x, y


def _add_rows(values: Map, more: Map, *, top: int, scale: int) -> None:
    """`more` is at half size, in full-size pixels."""
    rows = slice(top * 2 // scale, (top + len(more)) * 2 // scale)
    wide = more * np.float32(0.5) if scale == 2 else cv2.resize(more, (values.shape[1], len(more) * 2))
    values[rows] += wide


def _cut(maps: tuple[Map, Map], part: tuple[slice, slice]) -> tuple[Map, Map]:
    return np.ascontiguousarray(maps[0][part]), np.ascontiguousarray(maps[1][part])


def _remap(plane: NDArray[np.uint8], maps: tuple[Map, Map]) -> NDArray[np.uint8]:
    moved = cv2.remap(plane, *maps, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.uint8)
