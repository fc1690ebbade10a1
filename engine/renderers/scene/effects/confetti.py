"""Confetti: small coloured papers that fall, turn over and flash their sides; near ones are out of focus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.renderers.scene.effects.flyers import Flyers, tumble
from engine.renderers.scene.effects.sprites import Sprite, canvas, fill, make_sprite
from engine.renderers.scene.picture import Map

COLORS = ((240, 60, 80), (60, 160, 240), (250, 210, 60), (90, 210, 120), (200, 90, 220), (255, 150, 60))


class Confetti(Flyers):
    count, size, speed = 115, 10.5, 0.22
    closeness = (0.5, 1.9)
    seconds_to_show = 1.0

    def draw(self, soft: float) -> Sequence[Sprite]:
        """A paper, a little bent, so that one end is lighter."""
        across, down = canvas()
        cover = np.minimum(fill(0.92 - np.abs(across)), fill(0.56 - np.abs(down)))
        return [make_sprite(color, 0.95 + 0.12 * across, cover, soft=1.6 * soft) for color in COLORS]

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        _, rocking, turning, _ = self.phase[:, number]
        flip = turning + 3.1 * self.pace[number] * second
        angle = rocking + 1.8 * self.spin[number] * second
        return tumble(angle, flip, size), float(0.8 + 0.3 * np.cos(flip))
