"""Rain: the hiss of all the far drops, ticks of near ones, and a low rush where it pours."""

from __future__ import annotations

import numpy as np

from engine.media.encode import SOUND_RATE
from engine.renderers.scene.sound.ring import Ring, Wave

HISS = {60: -20, 250: -13, 500: -8, 1000: 0, 2000: -1, 4000: -5, 8000: -13, 14000: -22, 20000: -40}
RUSH = {40: -6, 90: 0, 200: -4, 500: -14, 1500: -30}

TICKS = ((2600.0, 0.0016, 110), (4300.0, 0.0011, 150), (1250.0, 0.0035, 25))
"""Near drops: pitch, seconds until they have decayed to 1/e, how many a second."""


def rain(ring: Ring, strength: float) -> Wave:
    hiss = ring.noise(HISS, width=0.8) * ring.sway(1.5, 0.85, 1.0)
    rush = 0.14 * strength * ring.noise(RUSH, width=0.6) * ring.sway(0.8, 0.7, 1.0)
    return np.asarray(hiss + rush + 0.75 * _ticks(ring, strength))


def _ticks(ring: Ring, strength: float) -> Wave:
    heard = ring.silence()
    for pitch, decay, rate in TICKS:
        hits = ring.silence()
        count = ring.random.poisson(rate * strength * ring.seconds)
        when, place = ring.random.integers(0, ring.count, count), ring.random.uniform(0, np.pi / 2, count)
        loudness = ring.random.exponential(1.0, count) ** 1.5
        np.add.at(hits[0], when, loudness * np.cos(place))
        np.add.at(hits[1], when, loudness * np.sin(place))
        time = np.arange(round(8 * decay * SOUND_RATE)) / SOUND_RATE
        tick = np.exp(-time / decay) * np.sin(2 * np.pi * pitch * time)
        heard += ring.blur(hits, np.stack([tick, tick]))
    return np.asarray(heard)
