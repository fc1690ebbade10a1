"""A closed stretch of time: whatever is made on it runs from its end into its beginning, so that it has no seam.

Waves are (2, samples) float64, left and right; envelopes are (samples,).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from engine.media.encode import SOUND_RATE

Wave = NDArray[np.float64]
Envelope = NDArray[np.float64]

Curve = Mapping[int, float]
"""Decibels at frequencies; between them straight over the logarithm of the frequency, and falling outside."""

FALL = 24.0  # decibels an octave


class Ring:
    """`loops` tells what is heard of a sound that has not ended when the clip does: a clip that loops goes on with it."""

    def __init__(self, seconds: float, random: np.random.Generator, *, loops: bool = False) -> None:
        self.count = round(seconds * SOUND_RATE)
        self.seconds = self.count / SOUND_RATE
        self.random = random
        self.loops = loops
        self.time = np.arange(self.count) / SOUND_RATE
        self._frequencies = fft.rfftfreq(self.count, 1 / SOUND_RATE)

    def silence(self) -> Wave:
        return np.zeros((2, self.count))

    def noise(self, curve: Curve, *, width: float = 0.5) -> Wave:
        """Noise of this spectrum, with a mean square of 1; `width` 0 is the same left and right, 1 is unrelated."""
        gain = self._gain(curve)
        middle, side = np.sqrt(1 - width / 2) * self._noise(gain), np.sqrt(width / 2) * self._noise(gain)
        return np.stack([middle + side, middle - side])

    def sway(self, rate: float, low: float, high: float) -> Envelope:
        """A slow random movement between `low` and `high`, not quicker than `rate` a second."""
        turns = np.arange(1, max(2, int(rate * self.seconds)) + 1)
        heights = self.random.standard_normal(len(turns)) + 1j * self.random.standard_normal(len(turns))
        spectrum = np.zeros(len(self._frequencies), np.complex128)
        spectrum[turns[turns < len(spectrum)]] = heights[turns < len(spectrum)]
        moved = fft.irfft(spectrum, self.count)
        return np.asarray(low + (high - low) * (moved - moved.min()) / max(1e-12, np.ptp(moved)))

    def after(self, second: float) -> Envelope:
        """Seconds since a moment, round the ring; negative before it where the clip does not loop."""
        since = self.time - second
        return since % self.seconds if self.loops else since

    def around(self, second: float) -> Envelope:
        """Seconds before (negative) and since the nearest turn of a moment, round the ring."""
        return (self.time - second + self.seconds / 2) % self.seconds - self.seconds / 2

    def strew(self, wave: Wave, grain: NDArray[np.float64], second: float, *, place: float) -> None:
        """Add one short sound in place; `place` is -1 for left, 1 for right, at equal power in between."""
        turn = np.pi / 4 * (1 + place)
        start = round(second * SOUND_RATE) % self.count
        for channel, level in enumerate((np.cos(turn), np.sin(turn))):
            _add_round(wave[channel], level * grain, start)

    def blur(self, wave: Wave, response: Wave) -> Wave:
        """The wave in a room (or through a filter) of this impulse response, round the ring."""
        padded = np.zeros_like(wave)
        length = min(self.count, response.shape[1])
        padded[:, :length] = response[:, :length]
        return np.asarray(fft.irfft(fft.rfft(wave) * fft.rfft(padded), self.count))

    def _gain(self, curve: Curve) -> NDArray[np.float64]:
        octave = np.log2(np.maximum(self._frequencies, 1.0))
        known = np.log2(np.array(list(curve)))
        decibels = np.interp(octave, known, np.array(list(curve.values())))
        outside = np.maximum(known[0] - octave, 0) + np.maximum(octave - known[-1], 0)
        return np.asarray(10 ** ((decibels - FALL * outside) / 20))

    def _noise(self, gain: NDArray[np.float64]) -> NDArray[np.float64]:
        phases = self.random.standard_normal((2, len(gain)))
        wave = fft.irfft(gain * (phases[0] + 1j * phases[1]), self.count)
        return np.asarray(wave / max(1e-12, np.sqrt(np.mean(wave**2))))


def _add_round(line: NDArray[np.float64], grain: NDArray[np.float64], start: int) -> None:
    """Past the end of the line it goes on at the beginning."""
    while len(grain):
        part = grain[: len(line) - start]
        line[start : start + len(part)] += part
        grain, start = grain[len(part) :], 0
