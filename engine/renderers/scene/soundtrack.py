"""Decides what a clip sounds like: what the caption asks for, or what its effects sound like; else it is silent."""

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
    asked = [code for code in directions.sounds if code in TEXTURES]
    if asked:
        return dict.fromkeys(asked, 1.0) | {
            code: strength for code, strength in _own_sounds(wishes).items() if code in asked
        }
    if directions.sound is None and (reading.portrait or directions.loop):
        return {}
    own = _own_sounds(wishes)
    if own or directions.sound is None:
        return own
    return {OUTDOORS: 0.7} if reading.sky.is_open(asked=False) else {}


def _own_sounds(wishes: tuple[Wish, ...]) -> dict[str, float]:
    sounds: dict[str, float] = {}
    for wish in wishes:
        own = EFFECTS[wish.effect].sounds if wish.effect in EFFECTS else {}
        for code, strength in own.items():
            sounds[code] = max(sounds.get(code, 0.0), strength * wish.strength)
    return sounds
