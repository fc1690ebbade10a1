"""Finds what may steam, where the caption speaks of steam: the opening of a cup or pot, or the top of what is near."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.filters import to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

SMALLEST, LARGEST = 0.015, 0.6
"""Shares of the picture that a cup, a pot or a plate covers."""

SMALLEST_DISH, LARGEST_DISH, FLAT = 0.04, 0.35, 1.4
"""The same, of a dish of food whose rim we could not see; it is wider than tall."""

SMALLEST_OPENING = 0.009

LEVELS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Luma between an opening and its rim."""


def find_opening(small: RGB, _sky: Sky, near: Map) -> Map:
    """A filled ellipse, 0 or 1 at analysis size; all zero where nothing near is of the right size."""
    core = (near > 0.5).astype(np.uint8)
    count, parts, stats, _ = cv2.connectedComponentsWithStats(core)
    if count < 2:
        return np.zeros_like(near)
    number = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    left, top, width, height, area = stats[number].tolist()
    if not SMALLEST < area / near.size < LARGEST or top < 0.02 * len(near):
        return np.zeros_like(near)
    box = _find_round(to_luma(small), (parts == number).astype(np.uint8), area)
    if box is None and not (width > FLAT * height and SMALLEST_DISH < area / near.size < LARGEST_DISH):
        return np.zeros_like(near)
    if box is None:
        box = ((left + width / 2, top + 0.12 * height), (0.5 * width, 0.16 * height), 0.0)
    opening = cv2.ellipse(np.zeros(near.shape, np.uint8), box, 1, cv2.FILLED)
    return np.asarray(opening, np.float32)


def _find_round(luma: Map, thing: np.ndarray, area: int) -> cv2.typing.RotatedRect | None:
    """The roundest large outline in the upper part of the thing, of what is darker or brighter than its rim."""
    rows = np.flatnonzero(thing.any(1))
    lowest = rows[0] + 0.65 * (rows[-1] - rows[0])
    soft = cv2.GaussianBlur(luma, (0, 0), 1.5)
    best, box = 0.9, None
    for level in LEVELS:
        for flags in (soft < level, soft >= level):
            outlines, _ = cv2.findContours(
                flags.astype(np.uint8) & thing, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
            )
            for outline in outlines:
                size = cv2.contourArea(outline)
                if not 0.08 * area < size < 0.6 * area or size < SMALLEST_OPENING * luma.size:
                    continue
                ellipse = cv2.fitEllipse(outline)
                (_, y), (one, other), _ = ellipse
                round_share = size / max(1.0, np.pi * one * other / 4)
                if y < lowest and min(one, other) > 0.25 * max(one, other) and best < round_share < 1.1:
                    best, box = round_share, ellipse
    return box
