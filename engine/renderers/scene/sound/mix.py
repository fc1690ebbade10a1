"""Puts textures together as loud as broadcasters agreed on, with soft peaks, and silent at both ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.media.encode import SOUND_RATE
from engine.media.loudness import measure_loudness
from engine.renderers.scene.sound.ring import Wave

TARGET_LUFS = -23.0
"""EBU R 128; players that level their loudness leave it as it is."""

QUIET_LUFS = -24.5
QUIETER = frozenset({"birds", "crickets", "city"})
"""What is there seldom, or only far away, bothers when it is as loud as the rest."""

KNEE, CEILING = 0.4, 0.6
"""Amplitudes: from here on peaks are bent, and none passes the ceiling (-4.4 dB of full scale)."""

FADE_IN, FADE_OUT = 0.25, 0.5
"""Seconds, or at most a quarter of the clip each."""


def mix(heard: Sequence[tuple[Wave, float]], *, loops: bool, quiet: bool = False) -> NDArray[np.float32]:
    """(samples, 2), of waves that are made equally loud first, but for their levels in decibels."""
    together = sum(_at_loudness(wave.T, TARGET_LUFS + level) for wave, level in heard)
    together = np.asarray(together) if loops else np.asarray(together) * _fades(len(np.asarray(together)))
    target = QUIET_LUFS if quiet else TARGET_LUFS
    for _ in range(2):  # bent peaks take a little loudness along
        together = _soften(_at_loudness(together, target))
    return _on_steps(together)


def _at_loudness(sound: NDArray[np.float64], lufs: float) -> NDArray[np.float64]:
    measured = measure_loudness(sound).lufs
    return sound * 10 ** ((lufs - measured) / 20)


def _soften(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    above = np.maximum(np.abs(sound) - KNEE, 0)
    room = CEILING - KNEE
    return np.where(above > 0, np.sign(sound) * (KNEE + room * np.tanh(above / room)), sound)


def _fades(count: int) -> NDArray[np.float64]:
    shape = np.ones((count, 1))
    for seconds, end in ((FADE_IN, 1), (FADE_OUT, -1)):
        length = min(round(seconds * SOUND_RATE), count // 4)
        shape[::end][:length, 0] = np.sin(np.linspace(0, np.pi / 2, length)) ** 2
    return shape


def _on_steps(sound: NDArray[np.float64]) -> NDArray[np.float32]:
    """On the steps of 16 bits: the last digits of a sine are not the same on every processor, these samples are."""
    return np.asarray(np.rint(sound * 32767) / 32767, np.float32)
