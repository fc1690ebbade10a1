"""Waves on a shore: each one swells, breaks, washes up and fizzes out. Gentle ones only lap."""

from __future__ import annotations

import numpy as np

from engine.renderers.scene.sound.ring import Envelope, Ring, Wave

PERIOD = (
    3.8  # seconds from one wave to the next; real swell takes longer, a short clip shall hold a whole one
)

FAR = {40: -6, 100: 0, 300: -3, 900: -9, 3000: -20, 9000: -34, 16000: -50}
SWELL = {50: -8, 110: 0, 250: -4, 600: -16, 2000: -40}
BREAK = {120: -16, 300: -4, 700: 0, 1600: -3, 3500: -9, 8000: -20, 16000: -40}
FIZZ = {900: -36, 2500: -10, 5000: 0, 9000: -3, 15000: -14, 20000: -40}


def waves(ring: Ring, strength: float) -> Wave:
    count = max(1, round(ring.seconds / (PERIOD * min(1.0, 0.45 + 0.55 * strength))))
    swell, broken, fizz = (np.zeros(ring.count) for _ in range(3))
    for number in range(count):
        second = (number + 0.42 + ring.random.uniform(-0.12, 0.12)) * ring.seconds / count
        since, height = ring.around(second), ring.random.uniform(0.75, 1.0)
        swell += height * _bump(since, rise=0.9, fall=0.8)
        broken += height * _bump(since, rise=0.22, fall=0.55)
        fizz += height * _bump(since - 0.35, rise=0.3, fall=0.8)
    foam = min(1.6, strength)
    return np.asarray(
        0.22 * ring.noise(FAR, width=0.7)
        + 0.50 * ring.noise(SWELL, width=0.3) * swell
        + 0.8 * foam**0.5 * ring.noise(BREAK) * broken * ring.sway(9.0, 0.75, 1.0)
        + 0.20 * foam * ring.noise(FIZZ, width=0.8) * fizz
    )


def _bump(since: Envelope, *, rise: float, fall: float) -> Envelope:
    """1 at 0; bell-shaped before it, a longer tail after it (seconds)."""
    return np.where(since < 0, np.exp(-((since / rise) ** 2)), np.exp(-np.maximum(since, 0) / fall))
