"""Golden hour: the light turns warm and low, and the corners fall off a little."""

from __future__ import annotations

import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import ease
from engine.renderers.scene.stage import Moment

COARSE = 8


class GoldenHour(Effect):
    def prepare(self) -> None:
        sky = self.stage.shrunk(self.stage.open_sky(), COARSE)
        sky = blur(sky, max(1.0, 0.03 * min(sky.shape)))  # its border is only roughly known
        rows = np.linspace(-1, 1, sky.shape[0], dtype=np.float32)[:, None]
        columns = np.linspace(-1, 1, sky.shape[1], dtype=np.float32)[None]
        vignette = 1 - 0.11 * (columns**2 + rows**2)
        self.gain = 1.03 * vignette * (1 - 0.10 * sky)
        self.warmth = 1 + 0.5 * sky * np.clip(1.1 * (rows + 1), 0, 1)  # most along the horizon

    def light(self, moment: Moment, light: Light) -> None:
        shown = ease(moment.share * 1.3) * self.strength
        if shown == 0:
            return
        light.multiply(np.float32(1) + (self.gain - 1) * np.float32(shown))
        light.tint(self.warmth, u=-15 * shown, v=12 * shown)
        light.saturate(1 + 0.10 * shown)
