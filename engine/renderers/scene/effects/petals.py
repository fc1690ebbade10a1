"""Cherry petals: pale, light, notched at the tip, floating down on the wind; near ones are out of focus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.renderers.scene.effects.flyers import Flyers, tumble
from engine.renderers.scene.effects.sprites import Sprite, canvas, fill, make_sprite
from engine.renderers.scene.picture import Map

COLORS = ((255, 214, 224), (252, 196, 212), (255, 230, 236), (246, 178, 198))


class Petals(Flyers):
    count, size, speed = 70, 15.0, 0.10
    swing = 0.09

    def draw(self, soft: float) -> Sequence[Sprite]:
        shade, cover = _petal()
        return [make_sprite(color, shade, cover, soft=soft) for color in COLORS]

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        start, rocking, turning, _ = self.phase[:, number]
        pace, spin = self.pace[number], self.spin[number]
        angle = rocking + spin * (0.6 * second + 0.7 * np.sin(start + 1.4 * pace * second))
        flip = turning + 2.4 * pace * second
        return tumble(angle, flip, size), float(0.9 + 0.12 * np.cos(flip))


def _petal() -> tuple[Map, Map]:
    across, down = canvas()
    along = np.clip((across + 0.9) / 1.75, 0, 1)
    half = 0.62 * np.clip(np.sin(np.pi * along**1.5), 0, 1) ** 0.75
    notch = 0.16 - np.hypot(across - 0.93, down * 1.3)
    cover = np.minimum(fill((half - np.abs(down)) * 0.8), 1 - fill(notch))
    veins = np.abs(np.sin(18 * down / (0.4 + along)))
    bowl = 1 - 0.16 * (down / 0.62) ** 2 + 0.10 * np.clip(down, -0.3, 0.3)
    shade = bowl * (0.86 + 0.14 * np.clip(along / 0.45, 0, 1)) - 0.025 * veins + 0.05
    return np.asarray(np.clip(shade, 0, 1.1), np.float32), cover
