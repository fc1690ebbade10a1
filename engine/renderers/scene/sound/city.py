"""A city from a few streets away: the hum of traffic, and a car or two that pass."""

from __future__ import annotations

import numpy as np

from engine.renderers.scene.sound.ring import Ring, Wave

HUM = {40: -3, 80: 0, 160: -3, 320: -7, 700: -13, 1500: -22, 4000: -36, 12000: -56}
CAR = {60: -12, 140: -4, 400: -3, 900: 0, 1800: -6, 4000: -18, 10000: -36}


def city(ring: Ring, strength: float) -> Wave:
    heard = ring.noise(HUM, width=0.7) * ring.sway(0.6, 0.55, 1.0)
    for number in range(max(1, round(ring.seconds / 3))):
        second = (number + ring.random.uniform(0.3, 0.7)) * 3
        away = ring.around(second) / ring.random.uniform(0.7, 1.1)
        nearness = 1 / (1 + away**2) ** 1.5
        turn = np.pi / 4 * (1 + ring.random.choice((-0.7, 0.7)) * np.tanh(away))
        passing = np.stack([np.cos(turn), np.sin(turn)]) * nearness
        heard += 0.8 * strength * ring.random.uniform(0.5, 1.0) * ring.noise(CAR, width=0.2) * passing
    return np.asarray(heard)
