"""Synthetic ambience: what a scene may sound like, made from noise and a few small sounds, without any recording.

One module a texture. A new one is a function and one line here; `bench/sound.py` compares it with figures of
recordings.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.sound.birds import birds
from engine.renderers.scene.sound.city import city
from engine.renderers.scene.sound.crickets import crickets
from engine.renderers.scene.sound.fire import fire
from engine.renderers.scene.sound.mix import QUIETER, mix
from engine.renderers.scene.sound.rain import rain
from engine.renderers.scene.sound.ring import Ring, Wave
from engine.renderers.scene.sound.stream import stream
from engine.renderers.scene.sound.thunder import thunder
from engine.renderers.scene.sound.waves import waves
from engine.renderers.scene.sound.wind import wind

Texture = Callable[[Ring, float], Wave]

LONE_THUNDER = 0.3
"""Share of the clip after which it thunders where no effect says when it flashes."""

TEXTURES: Mapping[str, Texture] = MappingProxyType(
    {
        "wind": wind,
        "waves": waves,
        "stream": stream,
        "rain": rain,
        "thunder": partial(thunder, flashes=()),
        "fire": fire,
        "birds": birds,
        "crickets": crickets,
        "city": city,
    }
)

LEVELS: Mapping[str, float] = MappingProxyType({"birds": -9, "crickets": -7, "city": -6, "wind": -3})
"""Decibels beside the others; these come forward too easily."""


def make_ambience(
    sounds: Mapping[str, float],
    *,
    seconds: float,
    seed: int,
    loops: bool = False,
    flashes: Sequence[float] = (),
) -> NDArray[np.float32]:
    """(samples, 2) at 48 kHz of the textures by code, each with its strength; the same for the same seed.

    A loop has no seam; anything else begins and ends in silence. `flashes` are the seconds at which it lightens.
    """
    heard = []
    for code, strength in sounds.items():
        ring = Ring(seconds, np.random.default_rng([seed, zlib.crc32(code.encode())]), loops=loops)
        texture = TEXTURES[code]
        if code == "thunder":
            texture = partial(thunder, flashes=flashes or (LONE_THUNDER * seconds,))
        heard.append((texture(ring, strength), LEVELS.get(code, 0.0)))
    quiet = all(code in QUIETER for code in sounds)
    return mix(heard, loops=loops, quiet=quiet)


__all__ = ["TEXTURES", "make_ambience"]
