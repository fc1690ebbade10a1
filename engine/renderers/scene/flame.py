"""Finds fire and lamps, where the caption speaks of them: small, bright, warm places that stand out from the dark."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.filters import blur, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

SMALLEST, LARGEST = 0.0001, 0.12
"""Shares of the picture that one flame covers."""

WARM = 9.0
"""b* of a flame, or of its rim where the flame itself is burnt out to white; daylight through a window has less."""

BURNT_OUT = 0.88
"""Luma that a flame reaches somewhere."""

COMPACT = 0.55

DARK_AROUND = 0.45
"""Luma farther around, 0..1: a flame that lights nothing up cannot be seen to flicker."""


def find_flames(small: RGB, sky: Sky, _near: Map) -> Map:
    """0 or 1 at analysis size; all zero where there is none."""
    luma, lab = to_luma(small), to_lab(small)
    bright = (luma > max(0.62, float(np.percentile(luma, 90)))) & (luma > blur(luma, 12) + 0.08)
    if sky.is_open(asked=True):
        bright &= sky.mask < 0.5
    count, parts, stats, _ = cv2.connectedComponentsWithStats(bright.astype(np.uint8))
    flames = np.zeros_like(luma)
    for number in range(1, count):
        share = stats[number, cv2.CC_STAT_AREA] / luma.size
        if SMALLEST < share < LARGEST and _is_flame(parts == number, luma, lab):
            flames[parts == number] = 1
    return flames


def _is_flame(part: np.ndarray, luma: Map, lab: Map) -> bool:
    core = part.astype(np.uint8)
    if float(luma[part].max()) < BURNT_OUT or _solidity(core) < COMPACT:
        return False
    rim = _ring(core, 1, 4)
    around = _ring(core, 8, 22)
    if not rim.any() or not around.any():
        return False
    warm = max(float(lab[part][:, 2].mean()), float(lab[rim][:, 2].mean()))
    red = float(lab[rim][:, 1].mean())
    dark = float(luma[around].mean())
    return warm > WARM and red > -4 and dark < DARK_AROUND and float(luma[part].mean()) > dark + 0.2


def _solidity(core: np.ndarray) -> float:
    """Area against that of the convex hull: rims of cups and petals have little."""
    points = cv2.findNonZero(core)
    return (
        float(core.sum() / max(1.0, cv2.contourArea(cv2.convexHull(points)))) if points is not None else 0.0
    )


def _ring(core: np.ndarray, inner: int, outer: int) -> np.ndarray:
    inside, outside = (
        cv2.dilate(core, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        for reach in (inner, outer)
    )
    return np.asarray((outside > 0) & (inside == 0))
