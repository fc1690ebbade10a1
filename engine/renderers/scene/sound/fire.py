"""Fire: flames that flutter low, a breath of hiss, and crackles that come in bunches."""

from __future__ import annotations

import numpy as np

from engine.media.encode import SOUND_RATE
from engine.renderers.scene.sound.ring import Ring, Wave

FLAMES = {30: -8, 60: 0, 130: -4, 250: -14, 500: -22, 1200: -36}
HISS = {500: -30, 1500: -12, 3500: 0, 7000: -1, 12000: -8, 20000: -30}

BUNCHES = 3.0  # a second


def fire(ring: Ring, strength: float) -> Wave:
    flutter = ring.sway(6.0, 0.2, 1.0) * ring.sway(1.0, 0.5, 1.0)
    hiss = ring.sway(4.0, 0.2, 1.0) ** 2
    low = 0.45 * strength * ring.noise(FLAMES, width=0.2) * flutter
    return np.asarray(low + 0.16 * ring.noise(HISS, width=0.4) * hiss + 2.6 * _crackles(ring, strength))


def _crackles(ring: Ring, strength: float) -> Wave:
    heard = ring.silence()
    for _ in range(max(2, ring.random.poisson(BUNCHES * strength * ring.seconds))):
        start, place = ring.random.uniform(0, ring.seconds), ring.random.uniform(-0.5, 0.5)
        for _ in range(ring.random.integers(1, 7)):
            start += ring.random.exponential(0.045)
            loudness = min(1.2, 0.22 * (1 + ring.random.pareto(1.8)))
            ring.strew(heard, loudness * _snap(ring.random), start, place=place)
    return heard


def _snap(random: np.random.Generator) -> np.ndarray:
    """One crackle: a click of noise that rings for a few milliseconds in the wood."""
    decay, pitch = random.uniform(0.0008, 0.005), random.uniform(900, 4200)
    time = np.arange(round(7 * decay * SOUND_RATE)) / SOUND_RATE
    ringing = np.sin(2 * np.pi * pitch * time + random.uniform(0, 6))
    return np.asarray(np.exp(-time / decay) * (0.6 * ringing + 0.5 * random.standard_normal(len(time))))
