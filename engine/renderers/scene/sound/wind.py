"""Wind: a roar that comes in gusts, and brightens with each of them."""

from __future__ import annotations

import numpy as np

from engine.renderers.scene.sound.ring import Ring, Wave

ROAR = {60: -14, 125: -9, 250: -4, 500: 0, 800: -8, 1500: -24, 4000: -42, 16000: -70}
RUSH = {200: -30, 500: -8, 900: 0, 1600: -6, 3500: -18, 9000: -36, 16000: -60}
"""Measured beside recordings: most of a wind's power is within an octave of 500 Hz."""

EAR_DELAY = 0.12
"""Seconds from one ear to the other: a gust passes by."""


def wind(ring: Ring, strength: float) -> Wave:
    gust = ring.sway(0.6, 0.25, 1.0) ** 1.4 * ring.sway(3.0, 0.8, 1.0)
    passing = np.stack([gust, np.roll(gust, round(EAR_DELAY * len(gust) / ring.seconds))])
    bright = min(1.0, 0.35 * strength)
    return np.asarray(ring.noise(ROAR) * passing + bright * ring.noise(RUSH, width=0.8) * passing**2.5)
