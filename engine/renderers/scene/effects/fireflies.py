"""Fireflies: warm points that wander, light up and fade, with a glow around them."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.particles import add_dots
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Picture
from engine.renderers.scene.stage import Moment

COUNT = 46
TURN = 2 * np.pi


class Fireflies(Effect):
    def prepare(self) -> None:
        stage, random = self.stage, self.stage.random("fireflies")
        count = max(6, round(COUNT * self.strength * stage.area))
        self.x = random.uniform(0, stage.width, count)
        self.y = random.uniform(0.25 * stage.height, stage.height, count)
        self.phase = random.uniform(0, TURN, (4, count))
        self.pace = random.uniform(0.6, 1.4, count)
        self.large = random.random(count) < 0.5

    def light(self, moment: Moment, light: Light) -> None:
        """They show at dusk."""
        light.multiply(1 - 0.22 * moment.fade(1.5))

    def shine(self, moment: Moment, picture: Picture) -> None:
        shown = moment.fade(1.0)
        if shown == 0:
            return
        half = np.zeros((self.stage.height // 2, self.stage.width // 2), np.float32)
        for large, radius in ((False, 2.2), (True, 4.2)):
            self._add(half, self.large == large, radius * self.stage.scale / 2, moment.onward, shown)
        half = np.minimum(half, 190)
        cv2.add(
            picture.y, cv2.resize(half, (self.stage.width, self.stage.height)).astype(np.uint8), picture.y
        )
        warm = cv2.merge([half * (-50 / 190), half * (8 / 190)])
        picture.uv[:] = cv2.add(picture.uv, warm, dtype=cv2.CV_8U)

    def _add(self, layer: np.ndarray, which: np.ndarray, radius: float, second: float, shown: float) -> None:
        phase, pace = self.phase[:, which], self.pace[which]
        wide, high = self.stage.width, self.stage.height
        x = self.x[which] + 0.045 * wide * np.sin(phase[0] + 0.7 * pace * second)
        x += 0.02 * wide * np.sin(phase[1] + 1.7 * second)
        y = self.y[which] + 0.022 * high * np.sin(phase[2] + 0.9 * pace * second)
        lit = np.clip(np.sin(phase[3] + 2.2 * pace * second), 0, 1) ** 2 * shown
        add_dots(layer, x / 2, y / 2, radius=max(0.6, radius), value=150 * lit)
        add_dots(layer, x / 2, y / 2, radius=max(1.2, 4 * radius), value=36 * lit)
