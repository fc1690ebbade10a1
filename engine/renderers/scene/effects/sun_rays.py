"""Sun rays: shafts of light from the brightest place, slowly turning on and off."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.stage import Moment

COARSE = 4
ANGLES = 360
TURN = 2 * np.pi
ROOM = np.clip((245 - np.arange(256, dtype=np.float32)) / 230, 0, 1)
"""How much of a light a pixel of each luma still takes."""

SHAFTS = (5, 9, 14, 23, 37)
"""How many shafts each of the waves around the sun has; no two share a divisor, so that nothing repeats."""


class SunRays(Effect):
    def prepare(self) -> None:
        luma = self.stage.shrunk(self.stage.photo.y.astype(np.float32), COARSE)
        self.height, self.width = luma.shape
        self.sun = self._find_sun(luma)
        self.reach = int(np.hypot(self.width, self.height))
        self.shafts = self._trace(luma)
        random = self.stage.random("sun_rays")
        around = np.arange(ANGLES, dtype=np.float32) / ANGLES * TURN
        paces = random.uniform(0.25, 0.8, len(SHAFTS)) * random.choice([-1, 1], len(SHAFTS))
        phases = random.uniform(0, TURN, len(SHAFTS))
        self.waves = [
            (count * around + phase, pace) for count, phase, pace in zip(SHAFTS, phases, paces, strict=True)
        ]
        self.dither = random.random((self.stage.height, self.stage.width), np.float32)

    def light(self, moment: Moment, light: Light) -> None:
        """A little darker elsewhere, so that the shafts stand out, and warmer."""
        shown = moment.fade(1.5) * min(1.5, self.strength)
        light.multiply(1 - 0.10 * shown)
        light.tint(shown, u=-5, v=4)

    def shine(self, moment: Moment, picture: Picture) -> None:
        shown = moment.fade(1.5) * self.strength
        if shown == 0:
            return
        wave = sum(np.sin(angle + pace * moment.onward) for angle, pace in self.waves)
        rays = self.shafts * np.clip(0.7 + 0.22 * wave, 0, 1.3)[:, None]
        flags = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        glow = cv2.warpPolar(rays.astype(np.float32), (self.width, self.height), self.sun, self.reach, flags)
        glow = cv2.GaussianBlur(glow, (0, 0), 1.5) * (70 * shown)
        full = cv2.resize(glow, (self.stage.width, self.stage.height))
        room = cv2.LUT(picture.y, ROOM)  # like light on film: the brighter it is, the less it adds
        picture.y[:] = np.minimum(picture.y + full * room + self.dither, 255)  # dithered: no steps in the sky

    def _find_sun(self, luma: Map) -> tuple[float, float]:
        """The brightest place, rather in the sky than on the ground."""
        bright = blur(luma, self.width * 0.03)
        sky = cv2.GaussianBlur(self.stage.shrunk(self.stage.open_sky(), COARSE), (0, 0), 3)
        if sky.max() > 0:
            bright = bright * (0.3 + 0.7 * sky)
        bright[int(0.6 * self.height) :] *= np.float32(0.3)
        row, column = np.unravel_index(int(bright.argmax()), bright.shape)
        return float(column), float(row)

    def _trace(self, luma: Map) -> Map:
        """(angle, distance): the light of the source, smeared away from it and fading; about 0..1."""
        rows, columns = np.ogrid[0 : self.height, 0 : self.width]
        away = (columns - self.sun[0]) ** 2 + (rows - self.sun[1]) ** 2
        level = float(np.percentile(luma, 97))
        source = np.clip((luma - (level - 50)) / 60, 0, 1) * np.exp(-away / (0.45 * self.width) ** 2)
        polar = cv2.warpPolar(
            source.astype(np.float32), (self.reach, ANGLES), self.sun, self.reach, cv2.WARP_FILL_OUTLIERS
        )
        distance = np.arange(self.reach)[None]
        smeared = np.cumsum(polar, axis=1) / (distance + 30) * np.exp(-distance / (0.45 * self.reach))
        wrapped = np.pad(smeared, ((4, 4), (0, 0)), mode="wrap").astype(np.float32)
        soft = cv2.GaussianBlur(wrapped, (1, 5), 0, sigmaY=1.2)[4:-4]
        return np.asarray(soft / max(1e-3, float(np.percentile(soft, 99.5))), np.float32)
