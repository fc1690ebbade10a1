"""Hearts: soft, glossy, rising slowly at several depths and fading away towards the top."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from engine.renderers.scene.effects.flyers import Flyers
from engine.renderers.scene.effects.sprites import Sprite, canvas, make_sprite
from engine.renderers.scene.picture import Map

COLORS = ((232, 52, 84), (246, 104, 136), (214, 32, 62), (252, 146, 170))


class Hearts(Flyers):
    count, size, speed = 26, 30.0, -0.14
    closeness = (0.5, 1.8)

    def draw(self, soft: float) -> Sequence[Sprite]:
        shade, cover = _heart()
        return [make_sprite(color, shade, cover, soft=soft) for color in COLORS]

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        start, leaning, beating, _ = self.phase[:, number]
        lean = 0.3 * np.sin(leaning) + 0.16 * np.sin(start + 1.4 * self.pace[number] * second)
        beat = 1 + 0.05 * np.sin(beating + 4.4 * second)
        turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
        return size * beat * turn, 1.0

    def cover(self, _number: int, place: float) -> float:
        """They come out of nothing below and go into nothing above."""
        return 0.9 * float(np.clip((place - 0.02) / 0.25, 0, 1) * np.clip((1.05 - place) / 0.15, 0, 1))


def _heart() -> tuple[Map, Map]:
    """The curve (x² + y² - 1)³ = x²y³, rounded like a cushion and lit from the upper left."""
    across, down = canvas()
    x, y = 1.32 * across, -1.32 * down + 0.12
    inside = (x**2 + y**2 - 1) ** 3 - x**2 * y**3 < 0
    cover = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 2.0)
    deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    cushion = cv2.GaussianBlur(np.sqrt(deep / max(1.0, float(deep.max()))).astype(np.float32), (0, 0), 9)
    slope_x, slope_y = (cv2.Sobel(cushion, cv2.CV_32F, *axis, scale=4.0) for axis in ((1, 0), (0, 1)))
    lit = 0.8 + 1.1 * np.clip(slope_x + 1.2 * slope_y, -0.22, 0.14)
    gleam = np.exp(-(((across + 0.36) / 0.13) ** 2) - ((down + 0.34) / 0.09) ** 2)
    return np.asarray(lit + 0.1 * cushion + 0.45 * gleam, np.float32), np.asarray(cover, np.float32)
