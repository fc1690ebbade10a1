"""Fog: slow, low clouds that hide what is far more than what is near."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import make_clouds
from engine.renderers.scene.picture import GRAY, Map, Picture, blend
from engine.renderers.scene.stage import Moment

COARSE = 8  # fog has no detail finer than this many pixels
TEXTURE = 160
BRIGHTEST = 205
DRIFT = 5.0  # texture pixels a second


class Fog(Effect):
    def prepare(self) -> None:
        random = self.stage.random("fog")
        self.textures = make_clouds(random, TEXTURE), make_clouds(random, TEXTURE)
        far = np.clip(1.05 - 1.15 * self.stage.shrunk(self.stage.reading.depth, COARSE), 0.06, 1)
        rows = np.linspace(0, 1, len(far), dtype=np.float32)[:, None]
        self.density = far * (0.7 + 0.3 * np.exp(-(((rows - 0.55) / 0.35) ** 2)))
        height, width = far.shape
        unit = 90 / min(height, width)  # the same clouds whatever the clip's size
        self.x, self.y = np.meshgrid(np.arange(width) * unit, np.arange(height) * unit)
        lit = float(
            np.percentile(self.stage.photo.y[::4, ::4], 90)
        )  # fog is as bright as the day that lights it
        level = min(BRIGHTEST, round(45 + 0.75 * lit))
        self.level = np.full((self.stage.height, self.stage.width), level, np.uint8)

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        self._veil(picture, (0.45 + 0.55 * self._clouds(moment.onward)) * self.density * 0.95, moment)

    def hides(self, moment: Moment) -> float:
        return moment.fade(1.6)

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        """Thin wisps before the near object, along the ground."""
        low = np.linspace(0, 1, len(self.density))[:, None] ** 1.5
        self._veil(picture, self._clouds(moment.onward * 1.5 + 40) * low * 0.3, moment)

    def _clouds(self, second: float) -> Map:
        """Two textures that pass each other; 0..1, coarse."""
        moved = DRIFT * second
        first = _sample(self.textures[0], self.x * 1.1 - moved, self.y * 1.7 + 0.4 * second)
        other = _sample(self.textures[1], self.x * 1.9 - 1.9 * moved, self.y * 2.6 - 0.3 * second)
        return np.clip((0.6 * first + 0.4 * other - 0.28) * 1.7, 0, 1)

    def _veil(self, picture: Picture, cover: Map, moment: Moment) -> None:
        shown = moment.fade(1.6) * self.strength
        if shown == 0:
            return
        coarse = np.clip(cover * shown, 0, 0.9).astype(np.float32)
        size = self.stage.width, self.stage.height
        full = np.rint(cv2.resize(coarse * 255, size)).astype(np.uint8)
        picture.y[:] = blend(picture.y, self.level, full)
        half = cv2.resize(coarse * (0.85 * 255), (size[0] // 2, size[1] // 2)).astype(np.uint8)
        gray = np.full_like(picture.uv, GRAY)
        picture.uv[:] = blend(picture.uv, gray, cv2.merge([half, half]))


def _sample(texture: Map, x: Map, y: Map) -> Map:
    """The texture goes on for ever."""
    columns, rows = np.mod(x, TEXTURE).astype(np.float32), np.mod(y, TEXTURE).astype(np.float32)
    return np.asarray(cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, None, cv2.BORDER_WRAP))
