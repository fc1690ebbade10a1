"""Reads a caption: which camera move, which effects, how strong and how fast, and what cannot be done.

Table words are found first; then each hit is judged by the words around it in its own clause: is it negated, is
there a word of strength? Precision comes before recall: a caption that says nothing we know gets the default look.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from engine.prompts.directions import Directions, Wish
from engine.prompts.lexicon import Hit
from engine.prompts.reading import SPOKEN_TO, Reading, read
from engine.prompts.unmet import find_impossible

STRENGTHS = {"weak": 0.5, "strong": 1.6}
SPEEDS = {"slow": 0.6, "fast": 1.6}
SOUND_REACH = 8
CAMERA = "@"
"""What the hint of a camera move begins with."""
SOUNDS_OF = {
    "rain": "rain", "water": "waves", "swash": "waves", "white_water": "stream", "sway": "wind", "flicker": "fire",
    "lightning": "thunder", "storm": "thunder",
}  # fmt: skip
"""What an effect sounds like where its clause asks for sound: "the sound of rain"."""


STORM = "storm"
MADE_OF = {STORM: ("rain", "lightning")}
"""One word that asks for two effects: a thunderstorm."""


def parse_prompt(prompt: str, *, locale: str, hints: Sequence[str] = ()) -> Directions:
    """What a caption asks for, in whichever of our languages it is written; never raises.

    `hints` are what `engine.prompts.hints` found beside the tables' words: they never overrule those.
    """
    return _add_hints(_parse(read(prompt, locale=locale)), hints)


def _add_hints(directions: Directions, hints: Sequence[str]) -> Directions:
    """Effects that were not named and not refused, and a camera move where nothing was said of the camera."""
    if not hints:
        return directions
    settled = {*directions.refused, *(wish.effect for wish in directions.wishes)}
    wishes = [Wish(effect=hint) for hint in hints if not hint.startswith(CAMERA) and hint not in settled]
    moves = [hint.removeprefix(CAMERA) for hint in hints if hint.startswith(CAMERA)]
    return msgspec.structs.replace(
        directions,
        camera=directions.camera or next((move for move in moves if move not in directions.refused), None),
        wishes=(*directions.wishes, *wishes),
        understood=True,
    )


def _parse(reading: Reading) -> Directions:
    refused = dict.fromkeys(
        code
        for hit in reading.hits
        if hit in reading.negated and hit.kind in {"effect", "camera"}
        for code in _codes(hit)
    )
    wishes = _find_wishes(reading, refused)
    sounds = tuple(dict.fromkeys(_find_sounds(reading)))
    sound = _find_sound(reading, sounds)
    return Directions(
        camera=_find_camera(reading),
        wishes=wishes,
        refused=tuple(refused),
        impossible=tuple(find_impossible(reading)),
        speed=_find_speed(reading),
        loop=any(hit.kind == "loop" for hit in reading.hits),
        sound=sound,
        sounds=sounds if sound else (),
        understood=any(hit.kind in SPOKEN_TO | {"speed"} for hit in reading.hits),
    )


def _find_wishes(reading: Reading, refused: Iterable[str]) -> tuple[Wish, ...]:
    """In the order of the caption; the first strength that is said counts, and a refusal wins."""
    strengths: dict[str, float] = {}
    for hit in reading.wishes("effect"):
        for code in _codes(hit):
            if strengths.get(code, 1.0) == 1.0:
                strengths[code] = _strength(hit, reading)
    return tuple(
        Wish(effect=code, strength=strength) for code, strength in strengths.items() if code not in refused
    )


def _strength(hit: Hit, reading: Reading) -> float:
    """The nearest word of strength in the same phrase: up to three words before, or two after."""
    before = range(hit.start - 1, max(hit.start - 4, -1), -1)
    after = range(hit.end, min(hit.end + 2, len(reading.roles)))
    for side in (before, after):
        for number in side:
            if reading.ends_phrase(number):
                break
            for kind, code in reading.roles[number]:
                if kind == "strength":
                    return STRENGTHS[code]
    return 1.0


def _find_camera(reading: Reading) -> str | None:
    """A still camera wins over a move that is named too, and "no camera movement" is one."""
    moves = [hit.code for hit in reading.wishes("camera")]
    unmoved = any(hit.kind == "camera" and hit.code == "any" for hit in reading.negated)
    if "static" in moves or (unmoved and not moves):
        return "static"
    named = [code for code in moves if code != "any"]
    return named[0] if named else ("push_in" if moves else None)


def _codes(hit: Hit) -> tuple[str, ...]:
    """What a hit stands for: a camera that moves in any way moves in, and a storm is made of two effects."""
    return ("push_in",) if hit.code == "any" else MADE_OF.get(hit.code, (hit.code,))


def _find_speed(reading: Reading) -> float:
    return next((SPEEDS[hit.code] for hit in reading.hits if hit.kind == "speed"), 1.0)


# --- sound -----------------------------------------------------------------------------------------------


def _find_sound(reading: Reading, sounds: tuple[str, ...]) -> bool | None:
    for hit in reading.hits:
        if hit.kind == "sound":
            return hit.code == "sound" and hit not in reading.negated
    return True if sounds else None


def _find_sounds(reading: Reading) -> Iterator[str]:
    """What is heard by itself ("birdsong"), and effects whose clause speaks of sound."""
    for hit in reading.hits:
        if hit in reading.negated or reading.at[hit.start] in reading.negated:
            continue
        if hit.kind == "heard":
            yield hit.code
        if hit.kind == "effect" and hit.code in SOUNDS_OF and _speaks_of_sound(hit, reading):
            yield SOUNDS_OF[hit.code]


def _speaks_of_sound(hit: Hit, reading: Reading) -> bool:
    """A word for sound nearby, with no mark between."""
    before = range(hit.start - 1, max(hit.start - SOUND_REACH, -1), -1)
    after = range(hit.end, min(hit.end + SOUND_REACH, len(reading.roles)))
    for side in (before, after):
        for number in side:
            if ("sound", "sound") in reading.roles[number]:
                return True
            if reading.parts(number):
                break
    return False
