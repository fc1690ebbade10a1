"""Birds: two or three singers of different kinds, each at its place, seldom, in the room of a wood; quiet leaves below."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from engine.media.encode import SOUND_RATE
from engine.renderers.scene.sound.ring import Ring, Wave

LEAVES = {100: -14, 400: -8, 1200: -4, 3000: 0, 6000: -4, 12000: -14}

ROUND = 4.0  # seconds in which each of them may sing once

Note = np.ndarray
Song = Callable[[np.random.Generator], Iterator[tuple[float, Note]]]
"""The notes of one song, each with the seconds from its beginning to the next one's."""


def birds(ring: Ring, strength: float) -> Wave:
    heard = ring.silence()
    singers = ((_two_tones, -0.6, 0.8), (_trill, 0.5, 0.7), (_whistle, 0.1, 0.3))
    turns = max(1, round(ring.seconds / ROUND))
    for number in range(turns * len(singers)):
        song, place, loudness = singers[number % len(singers)]
        second = (number + ring.random.uniform(0.1, 0.3)) * ring.seconds / (turns * len(singers))
        _sing(ring, heard, song, second, place=place, loudness=loudness)
    wood = 0.7 * heard + 0.35 * ring.blur(heard, _echo(ring.random))
    return np.asarray(
        0.5 * strength * wood + 0.015 * ring.noise(LEAVES, width=0.9) * ring.sway(1.0, 0.6, 1.0)
    )


def _sing(ring: Ring, heard: Wave, song: Song, second: float, *, place: float, loudness: float) -> None:
    for step, note in song(ring.random):
        ring.strew(heard, loudness * ring.random.uniform(0.8, 1.0) * note, second, place=place)
        second += step


def _two_tones(random: np.random.Generator) -> Iterator[tuple[float, Note]]:
    """High, low, high, low: as a great tit sings."""
    high = random.uniform(5200, 6200)
    for _ in range(random.integers(2, 4)):
        yield 0.15, _note(high, high * 1.02, 0.10)
        yield 0.19, _note(high * 0.76, high * 0.74, 0.13)


def _trill(random: np.random.Generator) -> Iterator[tuple[float, Note]]:
    """Quick, falling notes that come to rest on a lower one: as a chaffinch does."""
    pitch = random.uniform(6000, 7200)
    for number in range(random.integers(7, 11)):
        top = pitch * (1 - 0.035 * number)
        yield 0.075 + 0.004 * number, _note(top, top * 0.72, 0.05)
    yield 0.2, _note(pitch * 0.55, pitch * 0.45, 0.14)


def _whistle(random: np.random.Generator) -> Iterator[tuple[float, Note]]:
    """A few slow, round notes: as a blackbird, far off."""
    pitch = random.uniform(2300, 2900)
    for _ in range(random.integers(2, 5)):
        top = pitch * random.uniform(0.85, 1.25)
        yield (
            random.uniform(0.18, 0.28),
            _note(top, top * random.uniform(0.88, 1.15), random.uniform(0.12, 0.2)),
        )


def _note(start: float, end: float, seconds: float) -> Note:
    """A glide with a soft beginning and end, and a breath of its octave."""
    share = np.arange(round(seconds * SOUND_RATE)) / (seconds * SOUND_RATE)
    phase = 2 * np.pi * np.cumsum(start + (end - start) * share) / SOUND_RATE
    return np.asarray(np.sin(np.pi * share) ** 1.2 * (np.sin(phase) + 0.06 * np.sin(2 * phase)))


def _echo(random: np.random.Generator) -> Wave:
    """The answer of a wood: noise that fades within half a second, quieter high up as time goes on."""
    time = np.arange(round(0.6 * SOUND_RATE)) / SOUND_RATE
    scattered = random.standard_normal((2, len(time))) * np.exp(-time / 0.11) * (1 - np.exp(-time / 0.012))
    return np.asarray(scattered / np.sqrt((scattered**2).sum(axis=1, keepdims=True)))
