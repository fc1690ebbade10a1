"""A stream: an even rush, and bubbles that ring as they rise."""

from __future__ import annotations

import numpy as np

from engine.media.encode import SOUND_RATE
from engine.renderers.scene.sound.ring import Ring, Wave

RUSH = {80: -26, 250: -12, 500: -4, 1000: 0, 2000: -3, 4000: -8, 8000: -17, 16000: -34}
GURGLE = {150: -30, 350: -6, 600: 0, 1100: -6, 2500: -26}
BUBBLES = 70  # a second


def stream(ring: Ring, strength: float) -> Wave:
    rush = ring.noise(RUSH, width=0.8) * ring.sway(2.5, 0.7, 1.0) * min(1.4, 0.6 + 0.4 * strength)
    gurgle = ring.noise(GURGLE, width=0.4) * ring.sway(7.0, 0.0, 1.0) ** 2
    return np.asarray(0.8 * rush + 0.8 * gurgle + 2.0 * _bubbles(ring))


def _bubbles(ring: Ring) -> Wave:
    """Each rings at a pitch that its size gives (Minnaert, 1933), and a little higher as it nears the surface."""
    heard = ring.silence()
    for _ in range(ring.random.poisson(BUBBLES * ring.seconds)):
        pitch, decay = (
            np.exp(ring.random.uniform(np.log(420), np.log(2200))),
            ring.random.uniform(0.005, 0.018),
        )
        time = np.arange(round(6 * decay * SOUND_RATE)) / SOUND_RATE
        rising = pitch * (time + 0.35 * time**2 / (6 * decay))
        grain = np.exp(-time / decay) * np.sin(2 * np.pi * rising) * (1 - np.exp(-time / 0.0008))
        loudness = 0.5 * ring.random.exponential(1.0)
        ring.strew(
            heard,
            loudness * grain,
            ring.random.uniform(0, ring.seconds),
            place=ring.random.uniform(-0.8, 0.8),
        )
    return heard
