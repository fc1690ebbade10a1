"""How far each place is: the ground rises to the horizon, and where FastDepth is present, what it sees in the photo.

FastDepth learnt from rooms. Outdoors and close up it is often wrong, so it counts as much as it agrees with the ground.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.models import find_model
from engine.renderers.scene.filters import blur, fill_gaps, guide, resize_map, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

MODEL = "fastdepth"
SIDE = 224

MOST = 0.6
"""How much of the depth FastDepth may say."""

CLEAR = 0.05
"""The horizon's place, from the top, where no sky shows one."""


class DepthModel:
    """Loaded once per worker. Raises ConfigError where the weights are missing or not the pinned ones."""

    def __init__(self, models: Path) -> None:
        self._net = cv2.dnn.readNetFromONNX(str(find_model(models, MODEL)))

    def find(self, pixels: RGB) -> Map:
        """(224, 224): nearness, 0 for the farthest and 1 for the nearest twentieth."""
        small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        self._net.setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
        nearness = 1 / np.maximum(self._net.forward()[0, 0], 0.1)
        low, high = np.percentile(nearness, [5, 95])
        return np.asarray(np.clip((nearness - low) / max(1e-6, float(high - low)), 0, 1), np.float32)


def find_far_depth(small: RGB, ground: Map, sky: Sky, near: Map, *, seen: Map | None, apart: bool) -> Map:
    """0 far, 1 near. Where the near object is a layer `apart`, what is behind it goes on from around it; else it
    stands out a little. `seen` is what FastDepth says.
    """
    luma = to_luma(small)
    sharp = blur(np.abs(luma - blur(luma, 1)), 8)
    sharp = np.clip(sharp / (np.percentile(sharp, 95) + 1e-4), 0, 1)
    depth = ground * (0.75 + 0.25 * sharp)  # what is blurred lies far behind the focus
    if seen is not None:
        same_size = resize_map(seen, ground.shape[1], ground.shape[0])
        depth = depth + MOST * agreement(ground, same_size) * (same_size - depth)
    if not apart:
        depth = np.clip(depth + 0.3 * near, 0, 1)
    open_sky = sky.mask if sky.is_open(asked=True) else np.zeros_like(sky.mask)
    smooth = _smooth(luma, depth * (1 - open_sky))
    if not apart:
        return smooth
    behind = cv2.dilate(near, np.ones((9, 9), np.uint8)) < 0.3
    return blur(fill_gaps(smooth[..., None], behind.astype(np.float32))[..., 0], 3)


def agreement(one: Map, two: Map) -> float:
    """Correlation of two maps, 0..1; what is against the other counts nothing."""
    if min(float(one.std()), float(two.std())) < 1e-3:
        return 0.0
    return max(0.0, float(np.corrcoef(one.ravel(), two.ravel())[0, 1]))


def rise_to_horizon(horizon: float, height: int, width: int) -> Map:
    """How near the ground would be at each row: 0 at the horizon, 0.93 at the lower edge."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    ramp = np.clip((rows - horizon) / (1 - horizon), 0, 1) ** 1.2 * 0.85 + 0.08
    return np.repeat(ramp, width, axis=1).astype(np.float32)


def find_horizon(sky: Sky) -> tuple[float, float]:
    """Its row in shares of the height, and how sure that is, 0..1: as sure as the sky above it."""
    columns = sky.mask.any(0)
    if not sky.is_open(asked=True) or not columns.any():
        return CLEAR, 0.0
    lowest = len(sky.mask) - 1 - sky.mask[::-1][:, columns].argmax(0)
    level = 1 - min(1.0, float(lowest.std()) / (0.25 * len(sky.mask)))  # a ragged border is a skyline
    return min(0.75, float(np.percentile(lowest, 80)) / len(sky.mask)), sky.confidence * level


def find_near_depth(near: Map, ground: Map) -> float:
    """As near as the ground on which the largest near object stands: the depth at its lowest row."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((near > 0.5).astype(np.uint8))
    if count < 2:
        return 0.8
    largest = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    foot = largest[cv2.CC_STAT_TOP] + largest[cv2.CC_STAT_HEIGHT] - 1
    return float(np.clip(ground[foot, 0] + 0.04, 0.45, 0.95))


def _smooth(luma: Map, depth: Map) -> Map:
    """Along the photo's edges, then soft: a hard step in depth bends straight lines."""
    return blur(np.clip(guide(luma, depth.astype(np.float32), 6, 1e-3), 0, 1), 3)
