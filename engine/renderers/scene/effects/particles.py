"""Soft dots, many at once: the drawing that snow, fireflies and stars share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.renderers.scene.picture import Map

_Index = NDArray[np.int_]


def blend_dots(plane: Plane, x: Map, y: Map, *, radius: float, cover: Map, level: float) -> None:
    """Lay Gaussian dots of one radius (its sigma, in pixels) over a plane; `cover` is 0..1 for each dot.

    Where two dots meet, one wins; at the sizes here nobody sees it.
    """
    index, share = _shape(plane, x, y, radius=radius, value=cover)
    flat = plane.reshape(-1)
    below = flat[index].astype(np.float32)
    flat[index] = (below + share * (level - below)).astype(np.uint8)


def add_dots(layer: Map, x: Map, y: Map, *, radius: float, value: Map) -> None:
    """Add Gaussian dots to a float map; `value` is the height of each."""
    index, height = _shape(layer, x, y, radius=radius, value=value)
    np.add.at(layer.reshape(-1), index, height)


def _shape(
    target: NDArray[np.generic], x: Map, y: Map, *, radius: float, value: Map
) -> tuple[_Index, NDArray[np.float32]]:
    """Flat indices into `target` (contiguous), and the dots' values there."""
    height, width = target.shape
    reach = int(np.ceil(2.6 * radius))
    seen = (x > -reach) & (x < width + reach) & (y > -reach) & (y < height + reach) & (value > 0.01)
    x, y, value = x[seen], y[seen], value[seen]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    steps = np.arange(-reach, reach + 1)
    columns, rows = left[:, None] + steps, top[:, None] + steps
    across = _bell(columns - x[:, None], radius) * value[:, None].astype(np.float32)
    down = _bell(rows - y[:, None], radius)
    across[(columns < 0) | (columns >= width)] = 0  # what lies outside the frame
    down[(rows < 0) | (rows >= height)] = 0
    values = (down[:, :, None] * across[:, None, :]).ravel()
    kept = np.flatnonzero(values > 0.004 * value.max(initial=0))
    index = (rows[:, :, None] * width + columns[:, None, :]).ravel()
    return index[kept], values[kept]


def _bell(distance: Map, radius: float) -> NDArray[np.float32]:
    return np.asarray(np.exp(-(distance**2) / (2 * radius * radius)), np.float32)
