"""Decides what a clip sounds like: what the caption asks for and what its effects sound like; else it is silent."""

from __future__ import annotations

from collections.abc import Mapping

from engine.prompts.directions import Directions, Wish
from engine.renderers.scene.analysis import Reading
from engine.renderers.scene.effects import EFFECTS
from engine.renderers.scene.sound import TEXTURES

OUTDOORS = "wind"
"""For whoever asks for sound under an open sky, and for nothing that has one."""


def choose_sounds(directions: Directions, wishes: tuple[Wish, ...], reading: Reading) -> Mapping[str, float]:
    """Textures by code with their strength.

    Unasked, a portrait stays silent, and a loop too: Telegram repeats a video only where it has no sound.
    """
    if directions.sound is False:
        return {}
    asked = dict.fromkeys((code for code in directions.sounds if code in TEXTURES), 1.0)
    wanted = bool(asked) or directions.sound is True
    if not wanted and (reading.portrait or directions.loop):
        return {}
    sounds = asked | _own_sounds(wishes)
    if wanted and not sounds and reading.sky.is_open(asked=False):
        return {OUTDOORS: 0.7}
    return sounds


def _own_sounds(wishes: tuple[Wish, ...]) -> dict[str, float]:
    sounds: dict[str, float] = {}
    for wish in wishes:
        own = EFFECTS[wish.effect].sounds if wish.effect in EFFECTS else {}
        for code, strength in own.items():
            sounds[code] = max(sounds.get(code, 0.0), strength * wish.strength)
    return sounds
