"""Thunder: after each flash a crack, torn by its way through the air, and a rumble that rolls on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.renderers.scene.sound.ring import Envelope, Ring, Wave

RUMBLE = {25: -8, 50: 0, 110: -2, 220: -10, 500: -24, 1500: -44}
AIR = {60: -4, 200: 0, 600: -6, 2000: -24}
CRACK = {60: -14, 150: -3, 400: 0, 900: -4, 2500: -13, 7000: -28, 16000: -50}

DELAY = 0.45
"""Seconds after the flash, as if it struck 150 m away: near enough that one belongs to the other in a short clip."""

ECHOES = 6


def thunder(ring: Ring, strength: float, flashes: Iterable[float]) -> Wave:
    rumble, crack = np.zeros(ring.count), np.zeros(ring.count)
    for flash in flashes:
        second = flash + DELAY
        crack += _burst(ring.after(second), attack=0.006, decay=0.16)
        for number in range(ECHOES):
            later = 0.0 if number == 0 else ring.random.uniform(0.08, 1.6)
            loudness = ring.random.uniform(0.5, 1.0) * np.exp(-0.7 * later)
            rumble += loudness * _burst(ring.after(second + later), attack=0.05, decay=0.55)
            crack += 0.22 * loudness * _burst(ring.after(second + later), attack=0.02, decay=0.22)
    torn = ring.sway(14.0, 0.5, 1.0)
    rolling = ring.noise(RUMBLE, width=0.4) * rumble
    heard = strength * (rolling + 1.3 * ring.noise(CRACK, width=0.5) * crack * torn)
    return np.asarray(heard + 0.02 * ring.noise(AIR, width=0.8))


def _burst(since: Envelope, *, attack: float, decay: float) -> Envelope:
    passed = np.maximum(since, 0.0)
    return np.where(since < 0, 0.0, (1 - np.exp(-passed / attack)) * np.exp(-passed / decay))
