"""Finds a shore, where the caption speaks of waves that run up one: water that ends, below the horizon, on land."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky
from engine.renderers.scene.water import find_water

LEAST = 0.06
"""Share of the picture; puddles have no waves."""

SHORTEST = 0.3
"""Of the picture's width."""


def find_shore(small: RGB, sky: Sky, near: Map) -> Map:
    """The water, 0 or 1 at analysis size; all zero where there is none, or where it has no shore."""
    water = find_water(small, sky, near)
    if water.mean() < LEAST:
        return np.zeros_like(water)
    core = np.ones((3, 3), np.uint8)
    rim = (cv2.dilate(water, core) > 0.5) & (water < 0.5) & (near < 0.5)
    top = int(np.flatnonzero(water.any(1))[0])
    rim[: top + len(water) // 20] = False  # there it ends at the horizon
    columns = rim.any(0).sum() + rim.any(1).sum()
    return water if columns > SHORTEST * water.shape[1] else np.zeros_like(water)
