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
from engine.prompts.unmet import FLYING, find_clause, find_impossible

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


DIRECTIONS = frozenset({"tilt_up", "tilt_down", "pan_left", "pan_right"})
CAMERAS = ("cam", "kam", "cám", "кам", "pan", "tilt", "カ", "كام", "دورب", "कैम", "카메", "镜", "鏡")
"""How the word for a camera begins, as tables fold it."""

_CAMERAS_READ = 3
_NEGATIONS = {("negation", "before"), ("negation_after", "after"), ("negation", "within")}

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
        if hit.code == "sway" and _is_blown(hit, reading):
            continue
        for code in _codes(hit):
            if strengths.get(code, 1.0) == 1.0:
                strengths[code] = _strength(hit, reading)
    if "sway" in strengths and any(hit.kind == "windblown" for hit in reading.hits):
        strengths.setdefault("hair", strengths["sway"])
    return tuple(
        Wish(effect=code, strength=strength) for code, strength in strengths.items() if code not in refused
    )


def _is_blown(hit: Hit, reading: Reading) -> bool:
    """The verb of what flies: in "die Blütenblätter wehen" no wind is asked for."""
    before = reading.at[hit.start - 1] if hit.start else None
    return before is not None and before.kind == "effect" and before.code in FLYING - {"hair"}


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
    moves = [hit for hit in reading.wishes("camera") if not _says_where_to(hit, reading)]
    codes = [hit.code for hit in moves]
    unmoved = any(hit.kind == "camera" and hit.code == "any" for hit in reading.negated)
    if "static" in codes or (unmoved and not codes):
        return "static"
    named = [hit for hit in moves if hit.code != "any"]
    if named and named[0].code != "push_in":
        return named[0].code
    usual = "push_in" if moves else None  # what any move is read as, where no direction is said
    return _find_direction(reading) or usual


def _find_direction(reading: Reading) -> str | None:
    """Where the first camera that is named goes: "the camera moves slowly from the door up to the sky"."""
    nouns = [hit for hit in reading.hits if hit.kind == "toward" and hit.code == "nouns"]
    for noun in nouns[:_CAMERAS_READ]:
        start, end = find_clause(noun, reading)
        around = [hit for hit in reading.hits if hit.kind == "toward" and start <= hit.start < end]
        if any(reading.roles[number] & _NEGATIONS for number in range(start, end)):
            continue
        turns = [hit.code for hit in around if hit.code in DIRECTIONS or hit.code == "orbit"]
        goes = [hit.code for hit in around if hit.code in {"push_in", "pull_out"}]
        if turns or goes:
            return (turns or goes)[0]
    return None


def _says_where_to(hit: Hit, reading: Reading) -> bool:
    """A direction after what flies, with no camera in the clause, is where that flies: "hearts float upwards"."""
    if hit.code not in DIRECTIONS:
        return False
    start, end = find_clause(hit, reading)
    words = reading.caption.words[start:end]
    flies = any((wish := reading.at[number]) and wish.code in FLYING for number in range(start, hit.start))
    return flies and not any(word.startswith(CAMERAS) for word in words)


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
        heard = any(kind == "heard" for kind, _ in reading.roles[hit.start])
        if hit.kind == "effect" and hit.code in SOUNDS_OF and not heard and _speaks_of_sound(hit, reading):
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
