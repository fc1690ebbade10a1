"""Decides what moves: what the caption asks for, as far as the photo has it, or the default look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from engine.errors import RenderFailed
from engine.media.clip import Made
from engine.prompts.directions import Directions, Wish
from engine.prompts.looks import LOOKS
from engine.renderers.scene.analysis import Reading
from engine.renderers.scene.camera import MOVES
from engine.renderers.scene.effects import EFFECTS, Need
from engine.renderers.scene.soundtrack import choose_sounds

DEFAULT_CAMERA = "push_in"
STILL = "static"
LAST_RESORT = Wish(effect="golden_hour", strength=0.6)
"""Where the camera must not move and nothing else would: the light changes, and that is said."""

LOOP = "loop"
"""Said among what moves, where the clip ends as it began."""

SUGGESTIONS = 4
FOR_PEOPLE = ("smile", "golden_hour", "blink")
OUTDOORS = ("snow", "golden_hour", "night", "rain", "fog", "leaves")
ANYWHERE = ("golden_hour", "snow", "confetti", "fireflies", "hearts")

SOUND = "sound"
"""Said where sound was asked for and nothing here has one that we can make."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one clip shows and sounds like.

    `amount` is the camera's, `speed` that of the effects' time; where it `loops`, its end leads to its beginning.
    """

    camera: str
    amount: float
    wishes: tuple[Wish, ...]
    speed: float
    loops: bool
    sounds: Mapping[str, float]
    made: Made


def direct(directions: Directions, look: str | None) -> Directions:
    """A preset look replaces the caption. Raises RenderFailed for a look that we do not have."""
    if look is None:
        return directions
    if look not in LOOKS:
        raise RenderFailed(f"there is no look {look!r}")
    return LOOKS[look]


def find_needs(directions: Directions) -> frozenset[Need]:
    """What the photo must be searched for."""
    asked = [EFFECTS[wish.effect] for wish in directions.wishes if wish.effect in EFFECTS]
    return frozenset(need for effect in asked for need in (effect.needs, effect.looks_for))


def wants_landmarks(directions: Directions) -> bool:
    """A face is to move, or may: where no wish is sure to be met, the default look comes."""
    needs = {_need(wish) for wish in directions.wishes if wish.effect in EFFECTS}
    return bool({Need.FACE, Need.EYES} & needs) or Need.NOTHING not in needs


def make_plan(directions: Directions, reading: Reading) -> Plan:
    """Nothing that was asked for is dropped in silence: it is in `moved`, `not_found` or `not_possible`."""
    possible = [wish for wish in directions.wishes if wish.effect in EFFECTS]
    found = [wish for wish in possible if _has(reading, wish, asked=True)]
    missing = tuple(wish.effect for wish in possible if wish not in found)
    camera = _choose_camera(directions)
    wishes = tuple(found) or tuple(_default_wishes(directions, reading))
    if camera == STILL and not wishes:
        wishes = (LAST_RESORT,)
    moved = tuple(wish.effect for wish in wishes)
    sounds = choose_sounds(directions, wishes, reading)
    return Plan(
        camera=camera,
        amount=min(1.5, max(0.5, directions.speed)),
        wishes=wishes,
        speed=directions.speed,
        loops=directions.loop,
        sounds=sounds,
        made=Made(
            moved=(() if camera == STILL else (camera,)) + moved + ((LOOP,) if directions.loop else ()),
            not_found=tuple(dict.fromkeys(missing)),
            not_possible=directions.impossible
            + _unknown(directions)
            + ((SOUND,) if directions.sound and not sounds else ()),
            sounds=tuple(sounds),
            suggestions=tuple(_suggest(directions, reading, moved))[:SUGGESTIONS],
        ),
    )


def _suggest(directions: Directions, reading: Reading, moved: tuple[str, ...]) -> Iterator[str]:
    """Looks for a photo whose caption asked for nothing: of its people, of the weather under a sky, of light and paper else."""
    if directions.understood or directions.impossible:
        return
    people = FOR_PEOPLE if reading.people else ()
    rest = OUTDOORS if reading.sky.drifts(asked=True) and not reading.portrait else ANYWHERE
    for look in dict.fromkeys((*people, *rest)):
        wishes = LOOKS[look].wishes
        if look not in moved and all(_has(reading, wish, asked=True) for wish in wishes):
            yield look


def _choose_camera(directions: Directions) -> str:
    """An unmoved camera only on request: without parallax a photo stays a photo."""
    if directions.camera in MOVES:
        return str(directions.camera)
    return STILL if DEFAULT_CAMERA in directions.refused else DEFAULT_CAMERA


def _default_wishes(directions: Directions, reading: Reading) -> Iterator[Wish]:
    """What comes along where the caption names no effect that the photo can show."""
    for wish in (Wish(effect="sky_drift"), *_portrait_wishes(reading)):
        if wish.effect not in directions.refused and _has(reading, wish, asked=False):
            yield wish


def _portrait_wishes(reading: Reading) -> tuple[Wish, ...]:
    """Somebody whose face is sure is alive: breathes, and blinks."""
    if not any(person.mesh for person in reading.people):
        return ()
    return Wish(effect="breathing"), Wish(effect="blink")


def _has(reading: Reading, wish: Wish, *, asked: bool) -> bool:
    match _need(wish):
        case Need.CLOUDS:
            # A backdrop and stars stand still unless asked.
            calm = reading.portrait or reading.daylight.is_night
            return reading.sky.drifts(asked=asked) and (asked or not calm)
        case Need.OPENING:
            return reading.has(Need.OPENING) and not reading.people
        case Need.FACE:
            return any(person.mesh for person in reading.people)
        case Need.EYES:
            return any(person.eyes for person in reading.people)
        case Need.PERSON:
            return bool(reading.people)
        case Need.FIGURE:
            return any(person.near for person in reading.people)
        case Need.NOTHING:
            return True
        case need:
            return reading.has(need)


def _need(wish: Wish) -> Need:
    return EFFECTS[wish.effect].needs if wish.effect in EFFECTS else Need.NOTHING


def _unknown(directions: Directions) -> tuple[str, ...]:
    """Codes of newer tables, or of another renderer."""
    return tuple(wish.effect for wish in directions.wishes if wish.effect not in EFFECTS)
