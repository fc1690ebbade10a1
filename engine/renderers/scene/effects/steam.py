"""Steam from a cup or a dish: soft wisps that rise from its opening, curl, widen and thin out."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import make_clouds
from engine.renderers.scene.picture import GRAY, Map, Picture, blend
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment

COARSE = 4
TEXTURE = 128
THICKEST = 0.62
RISE = 34.0  # texture pixels a second


class Steam(Effect):
    needs = Need.OPENING

    def prepare(self) -> None:
        stage = self.stage
        random = stage.random("steam")
        self.curls, self.wisps = (make_clouds(random, TEXTURE, slope=slope) for slope in (2.0, 1.7))
        opening = stage.reading.place(Need.OPENING)
        rows, columns = np.nonzero(opening > 0.5)
        self.source = np.array([columns.mean(), np.percentile(rows, 60)]) * (stage.width / opening.shape[1])
        self.half = float(np.ptp(columns)) / 2 * stage.width / opening.shape[1]
        self.tall = max(0.34 * stage.height, 3.4 * self.half)
        lit = float(np.percentile(stage.photo.y[::4, ::4], 90))
        self.level = min(232, round(90 + 0.7 * lit))

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        shown = moment.fade(1.3) * min(1.4, self.strength)
        if shown == 0:
            return
        left, top, right, bottom = self._box(moment)
        if right - left < 2 * COARSE or bottom - top < 2 * COARSE:
            return
        cover = np.clip(self._plume(moment, left, top, right, bottom) * shown, 0, 0.8) * 255
        part = picture.y[top:bottom, left:right]
        full = np.rint(cv2.resize(cover, (right - left, bottom - top), interpolation=cv2.INTER_CUBIC)).clip(
            0, 255
        )
        part[:] = blend(part, np.full_like(part, self.level), full.astype(np.uint8))
        pale = picture.uv[top // 2 : bottom // 2, left // 2 : right // 2]
        half = cv2.resize(0.6 * cover, (pale.shape[1], pale.shape[0])).astype(np.uint8)
        pale[:] = blend(pale, np.full_like(pale, GRAY), cv2.merge([half, half]))

    def _place(self, moment: Moment) -> tuple[float, float]:
        """Where the camera has taken the opening."""
        x, y = moment.camera.place(
            moment.pose, *(np.array([axis]) for axis in self.source), depth=self.stage.reading.near_depth
        )
        return float(x[0]), float(y[0])

    def _box(self, moment: Moment) -> tuple[int, int, int, int]:
        x, y = self._place(moment)
        wide = 2.2 * self.half
        left, right = (int(np.clip(side, 0, self.stage.width)) // 2 * 2 for side in (x - wide, x + wide))
        top, bottom = (
            int(np.clip(side, 0, self.stage.height)) // 2 * 2 for side in (y - self.tall, y + 0.2 * self.half)
        )
        return left, top, right, bottom

    def _plume(self, moment: Moment, left: int, top: int, right: int, bottom: int) -> Map:
        """How thick the steam is over the box, coarse, 0..1."""
        x, y = self._place(moment)
        across, down = np.meshgrid(
            np.arange(left, right, COARSE, dtype=np.float32), np.arange(top, bottom, COARSE, dtype=np.float32)
        )
        across, height = (across - x) / self.half, np.clip((y + 0.2 * self.half - down) / self.tall, 0, 1)
        unit = self.half / self.tall * 0.9  # texture is as fine as the opening is wide
        second = moment.onward
        curl = _sample(self.curls, 22 * across * unit, 46 * height + 0.62 * RISE * second) - 0.5
        bent = across + 2.6 * curl * height
        wide = 0.5 + 0.75 * height
        column = np.exp(-((bent / wide) ** 2)) * np.clip(height / 0.12, 0, 1) * (1 - height) ** 1.3
        wisp = _sample(self.wisps, 42 * bent, 60 * height + RISE * second)
        other = _sample(self.curls, 30 * bent + 50, 40 * height + 1.4 * RISE * second)
        thick = np.clip((0.6 * wisp + 0.4 * other - 0.38) * 3.2, 0, 1)
        return np.asarray(THICKEST * column * (0.12 + thick) * 1.6, np.float32)


def _sample(texture: Map, x: Map, y: Map) -> Map:
    """The texture goes on for ever."""
    columns, rows = np.mod(x, TEXTURE).astype(np.float32), np.mod(y, TEXTURE).astype(np.float32)
    return np.asarray(cv2.remap(texture, columns, rows, cv2.INTER_LINEAR, None, cv2.BORDER_WRAP))
