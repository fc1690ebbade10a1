"""Finds water, where the caption speaks of it: what mirrors the sky's colours or is blue, level and calm, below it.

Bluish gravel and wet roads look like water to any rule of colour; therefore this is never asked by default.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.filters import blur, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky, cut_out

SMALLEST = 0.012
"""Share of the picture of the smallest body of water."""


def find_water(small: RGB, sky: Sky, near: Map) -> Map:
    """0 or 1 at analysis size; all zero where there is none."""
    likely, level_or_calm = _rate(small, sky)
    below = _below_horizon(sky, likely.shape)
    likely = blur(likely, 2) * below
    if ((likely > 0.42) & below).mean() < 0.01:
        return np.zeros_like(near)
    labels = np.where(likely > 0.42, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[likely > 0.6] = cv2.GC_FGD
    labels[~below | (likely < 0.18)] = cv2.GC_BGD
    found = cut_out(small, labels, rounds=2) & (near < 0.5)
    return _bodies(found, level_or_calm).astype(np.float32)


def _below_horizon(sky: Sky, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows = np.arange(shape[0])[:, None]
    if sky.horizon is not None:
        start = sky.horizon
    elif sky.mask.mean() > 0.03:
        columns = sky.mask.any(0)
        lowest = shape[0] - 1 - sky.mask[::-1][:, columns].argmax(0)
        start = int(np.percentile(lowest, 60))
    else:
        start = 0
    return np.asarray((rows >= start - 1) & (sky.mask < 0.5))


def _rate(small: RGB, sky: Sky) -> tuple[Map, Map]:
    """How likely each pixel is water by colour and texture; and how level or calm it is."""
    luma, lab = to_luma(small), to_lab(small)
    across = blur(np.abs(cv2.Sobel(luma, cv2.CV_32F, 1, 0)), 3)
    down = blur(np.abs(cv2.Sobel(luma, cv2.CV_32F, 0, 1)), 3)
    fine = blur(np.abs(luma - blur(luma, 1.2)), 2.5)
    level = np.clip(((down - across) / (down + across + 4e-3) + 0.02) / 0.25, 0, 1)
    texture = np.maximum(level, 0.9 * np.clip((0.02 - fine) / 0.018, 0, 1))
    color = np.maximum(_mirrors(lab, sky), 0.9 * _is_blue(lab))
    color = color * np.clip((99 - lab[..., 0]) / 3, 0, 1)  # paper is white; no water is quite
    return (color * (0.35 + 0.65 * texture)).astype(np.float32), texture.astype(np.float32)


def _is_blue(lab: NDArray[np.float32]) -> Map:
    green, yellow = lab[..., 1], lab[..., 2]
    blue = np.clip((-yellow - 2) / 10, 0, 1) * np.clip((10 - green) / 8, 0, 1)
    cyan = np.clip((-green - 2) / 6, 0, 1) * np.clip((4 - yellow) / 8, 0, 1)
    return np.asarray(np.maximum(blue, cyan), np.float32)


def _mirrors(lab: NDArray[np.float32], sky: Sky) -> Map:
    """Likeness to the sky's six main colours; a mirror image may be darker."""
    colors = lab[sky.mask > 0.5]
    likeness = np.zeros(lab.shape[:2], np.float32)
    if len(colors) < 0.03 * likeness.size:
        return likeness
    drawn = colors[np.random.default_rng(0).integers(0, len(colors), 1500)]
    cv2.setRNGSeed(0)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 15, 1.0)
    none = np.zeros((len(drawn), 1), np.int32)  # labels to start with, which this start does not read
    _, _, centers = cv2.kmeans(drawn, 6, none, stop, 1, cv2.KMEANS_PP_CENTERS)
    for light, green, yellow in centers:
        hue = ((lab[..., 1] - green) ** 2 + (lab[..., 2] - yellow) ** 2) / 90
        tone = (lab[..., 0] - light) ** 2 / np.where(lab[..., 0] < light, 900, 260)
        likeness = np.maximum(likeness, np.exp(-(hue + tone)))
    return likeness.astype(np.float32)


def _bodies(found: NDArray[np.bool_], level_or_calm: Map) -> NDArray[np.bool_]:
    """Large parts that are level or calm; gravel and leaves are neither."""
    width = found.shape[1]
    closed = cv2.morphologyEx(found.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, parts, stats, _ = cv2.connectedComponentsWithStats(closed)
    kept = np.zeros(found.shape, np.bool_)
    for number in range(1, count):
        area, part_width = stats[number, cv2.CC_STAT_AREA], stats[number, cv2.CC_STAT_WIDTH]
        large = area > SMALLEST * found.size and (part_width > 0.25 * width or area > 0.05 * found.size)
        if large and level_or_calm[parts == number].mean() > 0.45:
            kept |= parts == number
    return kept
