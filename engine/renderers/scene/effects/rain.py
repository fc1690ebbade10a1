"""Rain: many thin, dim streaks in three depths, and a darker, paler day."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.stage import Moment

SLANT = 0.12
PARTS = 8  # cv2 draws to an eighth of a pixel
PARTS_SHIFT = 3


class Depth(NamedTuple):
    """Streaks of one distance: length and speed (a second) in shares of the height, brightness in luma."""

    drops: int
    length: float
    speed: float
    level: int
    behind: bool


DEPTHS = (
    Depth(700, 0.018, 1.3, 28, behind=True),
    Depth(320, 0.035, 2.0, 42, behind=True),
    Depth(90, 0.07, 3.0, 50, behind=False),
)


class Rain(Effect):
    sounds = MappingProxyType({"rain": 1.0})

    def prepare(self) -> None:
        random = self.stage.random("rain")
        width, height = self.stage.width, self.stage.height
        self.drops = []
        for depth in DEPTHS:
            count = round(depth.drops * self.strength * self.stage.area)
            x, y = random.uniform(-0.2 * width, 1.2 * width, count), random.uniform(0, 1.2 * height, count)
            self.drops.append((depth, x, y, random.uniform(0.8, 1.2, count)))
        self.layer = np.zeros((height, width), np.uint8)

    def light(self, moment: Moment, light: Light) -> None:
        shown = moment.fade(2.0) * min(1.5, self.strength)
        light.multiply(1 - 0.2 * shown)
        light.saturate(1 - 0.28 * shown)
        light.tint(shown, u=2, v=-2)

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, behind=True)

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, behind=False)

    def _paint(self, moment: Moment, picture: Picture, *, behind: bool) -> None:
        shown = moment.fade(0.8)
        if shown == 0:
            return
        self.layer[:] = 0
        for depth, x, y, pace in self.drops:
            if depth.behind == behind:
                ends = self._streaks(depth, x, y, pace, moment.onward)
                level = round(depth.level * shown)
                cv2.polylines(self.layer, list(ends), False, level, 1, cv2.LINE_AA, PARTS_SHIFT)
        cv2.add(picture.y, self.layer, picture.y)

    def _streaks(self, depth: Depth, x: Map, y: Map, pace: Map, second: float) -> NDArray[np.int32]:
        """(count, 2, 2): both ends of each streak, in eighths of a pixel."""
        height = self.stage.height
        top = (y + depth.speed * height * pace * second) % (1.2 * height) - 0.1 * height
        left = x + SLANT * (top - height / 2)
        length = depth.length * height * pace
        ends = np.stack([np.stack([left, top], 1), np.stack([left + SLANT * length, top + length], 1)], 1)
        return np.asarray(np.rint(ends * PARTS), np.int32)
