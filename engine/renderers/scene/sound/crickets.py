"""Crickets: two or three near ones, each with its pitch, place and pace, before a far choir and the night's air."""

from __future__ import annotations

import numpy as np

from engine.media.encode import SOUND_RATE
from engine.renderers.scene.sound.ring import Ring, Wave

CHOIR = {3300: -50, 4100: -12, 4500: 0, 4900: -12, 6000: -50}
AIR = {60: -4, 150: 0, 400: -8, 1200: -22, 4000: -40}

NEAR = ((4350.0, 2.6, -0.6, 1.0), (4680.0, 2.2, 0.55, 0.6), (4120.0, 3.1, 0.1, 0.35))
"""Pitch, chirps a second, place, loudness. A field cricket's chirp is three or four pulses."""

PULSES = 4
PULSE_SECONDS, PULSE_EVERY = 0.018, 0.034


def crickets(ring: Ring, strength: float) -> Wave:
    heard = 0.055 * ring.noise(CHOIR, width=0.9) * ring.sway(2.0, 0.7, 1.0)
    heard += 0.025 * ring.noise(AIR, width=0.7)
    for pitch, rate, place, loudness in NEAR:
        chirps = max(1, round(rate * ring.seconds))
        chirp = loudness * min(1.3, strength) * 0.5 * _chirp(pitch * ring.random.uniform(0.985, 1.015))
        first = ring.random.uniform(0, ring.seconds)
        for number in range(chirps):
            second = first + (number + ring.random.normal(0, 0.03)) * ring.seconds / chirps
            ring.strew(heard, chirp * ring.random.uniform(0.8, 1.0), second, place=place)
    return heard


def _chirp(pitch: float) -> np.ndarray:
    time = np.arange(round(PULSE_SECONDS * SOUND_RATE)) / SOUND_RATE
    share = time / PULSE_SECONDS
    pulse = np.sin(np.pi * share) ** 1.5 * np.sin(2 * np.pi * (pitch * time - 900 * time**2))
    every = round(PULSE_EVERY * SOUND_RATE)
    chirp = np.zeros(every * PULSES)
    for number in range(PULSES):
        chirp[number * every : number * every + len(pulse)] += (0.55 + 0.15 * number) * pulse
    return chirp
