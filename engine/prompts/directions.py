"""`Directions`: what a prompt asks for, parsed. Codes are those of the lexicon tables."""

from __future__ import annotations

import msgspec


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """One effect that is asked for. `strength` is 1.0 by default, 0.5 for "a little", 1.6 for "heavy"."""

    effect: str
    strength: float = 1.0


class Directions(msgspec.Struct, frozen=True, kw_only=True):
    """What the prompt asks for.

    `camera` is a camera code or None where nothing was said; `wishes` are effects in the order of the
    prompt; `refused` are effects that the person does not want ("no snow"); `impossible` quotes the words
    that no renderer of ours can follow ("the dog runs"). `speed` multiplies time (0.6 slow, 1.6 fast).
    `sound` is None where nothing was said, else what was asked; `sounds` are what it shall sound like (`rain`, …).
    """

    camera: str | None = None
    wishes: tuple[Wish, ...] = ()
    refused: tuple[str, ...] = ()
    impossible: tuple[str, ...] = ()
    speed: float = 1.0
    loop: bool = False
    sound: bool | None = None
    sounds: tuple[str, ...] = ()
    understood: bool = False
    """True where at least one word of the prompt was understood."""
