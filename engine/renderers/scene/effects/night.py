"""Night: the light goes, blue comes; lamps stay lit and glow, and stars come out where there is an open sky."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.particles import add_dots
from engine.renderers.scene.filters import blur, resize_map
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map, Picture, ease
from engine.renderers.scene.stage import Moment

COARSE = 4
LUMA = np.arange(256, dtype=np.float32)
MOONLIT = 16 + (LUMA - 16) * 0.42 / (1 + 0.6 * np.clip((LUMA - 16) / 219, 0, 1) ** 2)
"""What moonlight leaves of each luma; less of what is bright, so that a day's sky gets as dark as a night's.

A curve needs no mask of the sky, whose border would stay behind when the camera moves.
"""

DUSK = 90
"""Luma of most places from which down it is getting dark in a photo: what shines there is a lamp, white ones too."""

LAMPS_DEPTH = 0.3  # lamps are seldom nearest or farthest

TURN = 2 * np.pi


class Night(Effect):
    def prepare(self) -> None:
        stage = self.stage
        luma = stage.shrunk(stage.photo.y.astype(np.float32), COARSE)
        red = resize_map(stage.photo.uv[..., 1].astype(np.float32), luma.shape[1], luma.shape[0])
        self.dark = float(np.clip((DUSK - np.median(luma)) / 50, 0, 1))
        spots = cv2.dilate(stage.photo.y, np.ones((5, 5), np.uint8)).astype(np.float32)
        peaks = stage.shrunk(spots, COARSE)
        stands_out = np.clip((peaks - blur(luma, 8 * stage.scale + 1) - 55) / 40, 0, 1)  # cheeks do not
        bright = np.clip((peaks - 190) / 40, 0, 1) * stands_out
        lamps = bright * np.maximum(np.clip((red - 132) / 14, 0, 1), self.dark)
        self.lamps = 3.0 * blur(lamps, 1.2)
        self.glow = 60 * blur(lamps, 12 * stage.scale + 1)
        self._scatter_stars()

    def light(self, moment: Moment, light: Light) -> None:
        shown = self._shown(moment)
        if shown == 0:
            return
        light.bend(LUMA + shown * (MOONLIT - LUMA))
        light.multiply(1 + np.float32(shown) * self._move(self.lamps, moment))
        light.tint(shown, u=11, v=-5)
        light.saturate(1 - 0.45 * shown)

    def shine(self, moment: Moment, picture: Picture) -> None:
        shown = self._shown(moment)
        if shown == 0:
            return
        size = (self.stage.width, self.stage.height)
        cv2.add(
            picture.y, cv2.resize(self._move(self.glow, moment) * shown, size).astype(np.uint8), picture.y
        )
        risen = ease((moment.share - 0.2) / 0.5)
        if len(self.star_x) and risen > 0:
            x, y = moment.place(self.star_x, self.star_y)
            twinkle = 0.65 + 0.35 * np.sin(self.star_phase + 4 * moment.onward)
            layer = np.zeros(picture.y.shape, np.float32)
            add_dots(
                layer, x, y, radius=max(0.6, 0.9 * self.stage.scale), value=self.star_level * risen * twinkle
            )
            cv2.add(picture.y, np.minimum(layer, 190).astype(np.uint8), picture.y)

    @staticmethod
    def _move(lamps: Map, moment: Moment) -> Map:
        """To where the camera sees them now."""
        matrix = moment.camera.look_flat(moment.pose, LAMPS_DEPTH)
        matrix[:, 2] /= COARSE
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(lamps, matrix, lamps.shape[::-1], None, flags), np.float32)

    def _shown(self, moment: Moment) -> float:
        """Half as much where it is dark already."""
        return ease(moment.share * 1.25) * min(1.0, 0.5 + 0.5 * self.strength) * (1 - 0.5 * self.dark)

    def _scatter_stars(self) -> None:
        """Inside the open sky, well away from its border, and not behind the near object."""
        sky = self.stage.open_sky() * (self.stage.reading.near < 0.2)
        inner = cv2.erode((sky > 0.5).astype(np.uint8), np.ones((7, 7), np.uint8))
        rows, columns = np.nonzero(inner)
        count = round(380 * len(rows) / inner.size * self.stage.area) if len(rows) > 100 else 0
        random = self.stage.random("night")
        chosen = random.integers(0, max(1, len(rows)), count)
        scale = self.stage.width / inner.shape[1]
        self.star_x: Map = (columns[chosen] + random.random(count)) * scale
        self.star_y: Map = (rows[chosen] + random.random(count)) * scale
        self.star_level = 170 * random.uniform(0.3, 1, count) ** 2
        self.star_phase = random.uniform(0, TURN, count)
