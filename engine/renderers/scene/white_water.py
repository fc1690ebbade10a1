"""Finds waterfalls and rapids, where the caption speaks of them: white, streaky, brighter than the rocks beside it.

A loose mask melts the rocks; this one is tight, and stays away where the white may be snow, a wall or the sky.
"""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.filters import blur, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

SMALLEST, LARGEST = 0.006, 0.6
"""Shares of the picture."""

GRAY, YELLOW = 13.0, 3.0
"""Chroma (CIE C*ab) and b* that foam has at most: dry rocks beside it are as bright, but yellower."""


SOLID = 0.35
"""Share of a part that lies away from its border: outlines of white things are rough too, and nothing else in them."""

TWO_KINDS = 5.0
"""Of b*, from the bluest to the yellowest tenth."""


def find_white_water(small: RGB, sky: Sky, _near: Map) -> Map:
    """0 or 1 at analysis size; all zero where there is none."""
    luma, lab = to_luma(small), to_lab(small)
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    rough = blur(np.abs(luma - blur(luma, 1.5)), 3)
    level = max(0.46, float(np.percentile(luma, 70)))
    foam = (luma > level) & (chroma < GRAY) & (rough > 0.004)
    foam &= lab[..., 2] < _yellow_limit(lab[..., 2][foam])
    if sky.is_open(asked=True):
        foam &= cv2.dilate(sky.mask, np.ones((9, 9), np.uint8)) < 0.5
    closed = cv2.morphologyEx(foam.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    found = _large_and_bright(opened, luma)
    return found if SMALLEST < found.mean() < LARGEST else np.zeros_like(luma)


def _yellow_limit(yellow: Map) -> float:
    """Between the bluest and the yellowest of what may be foam, where they are two kinds of thing."""
    if not yellow.size:
        return YELLOW
    low, high = np.percentile(yellow, [10, 90]).tolist()
    return float(min(YELLOW, (low + high) / 2)) if high - low > TWO_KINDS else YELLOW


def _large_and_bright(found: np.ndarray, luma: Map) -> Map:
    """Parts that stand out from what lies around them."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats(found)
    kept = np.zeros_like(luma)
    for number in range(1, count):
        part = parts == number
        area = stats[number, cv2.CC_STAT_AREA]
        core = cv2.erode(part.astype(np.uint8), np.ones((5, 5), np.uint8))
        if area < 0.5 * SMALLEST * luma.size or core.sum() < SOLID * area:
            continue
        around = (cv2.dilate(part.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0) & (found == 0)
        if around.any() and float(luma[part].mean()) > float(luma[around].mean()) + 0.12:
            kept[part] = 1
    return kept
