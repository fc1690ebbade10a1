"""Finds grass, leaves and plants, where the caption speaks of them or of wind: green or yellow-green, and rough."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.filters import blur, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

SMALLEST = 0.004
"""Share of the picture of the smallest plant."""

LEAST = 0.025
"""Share of the picture that all of them must cover."""

ROUGH = 0.008
"""Luma without its slow part, 0..1, on average; painted walls, cars and shirts have less."""

SURE = 0.45
"""Of what is called green, on average."""


def find_vegetation(small: RGB, sky: Sky, _near: Map) -> Map:
    """How surely each place is a plant, at analysis size; all zero where that is not to be trusted."""
    luma, lab = to_luma(small), to_lab(small)
    green, yellow = lab[..., 1], lab[..., 2]
    hue = np.degrees(np.arctan2(yellow, green))  # 90 is yellow, 135 grass, 180 green
    likely = np.clip((hue - 82) / 14, 0, 1) * np.clip((190 - hue) / 20, 0, 1)
    likely *= np.clip((np.hypot(green, yellow) - 6) / 8, 0, 1)
    rough = blur(np.abs(luma - blur(luma, 1.2)), 4)
    open_sky = sky.mask if sky.is_open(asked=True) else np.zeros_like(luma)
    likely = blur(likely.astype(np.float32), 2) * (1 - open_sky) * np.clip(rough / ROUGH - 0.5, 0, 1)
    kept = _without_small(likely > 0.3)
    if kept.mean() < LEAST or float(likely[kept].mean()) < SURE:
        return np.zeros_like(luma)
    return np.asarray(np.clip(likely * 1.5, 0, 1) * kept, np.float32)


def _without_small(found: np.ndarray) -> np.ndarray:
    count, parts, stats, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    keep = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] > SMALLEST * found.size]
    return np.isin(parts, keep)
