"""Reads a caption: which camera move, which effects, how strong and how fast, and what cannot be done.

Table words are found first; then each hit is judged by the words around it in its own clause: is it negated, is
there a word of strength? Precision comes before recall: a caption that says nothing we know gets the default look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.prompts.directions import Directions, Wish
from engine.prompts.lexicon import WORDS, Hit, Lexicon, load_lexicons
from engine.prompts.normalise import fold

STRENGTHS = {"weak": 0.5, "strong": 1.6}
SPEEDS = {"slow": 0.6, "fast": 1.6}
NEGATION_REACH = 3
"""Words that may stand between a negation and what it negates, small ones not counted."""

QUOTE_WORDS = 9
PARTING = frozenset([*".,;:!?()\n…", ".."])

_EMOJI = {
    "❄": "snow", "☃": "snow", "⛄": "snow", "🌨": "snow", "🌧": "rain", "☔": "rain", "🌫": "fog", "🌅": "golden_hour",
    "🌇": "golden_hour", "🌄": "golden_hour", "☀": "sun_rays", "🌞": "sun_rays", "🌙": "night", "🌃": "night", "🌌": "night",
    "☁": "sky_drift", "🌊": "water", "🎉": "confetti", "🎊": "confetti",
}  # fmt: skip
_WISHES = frozenset({"effect", "camera", "impossible"})


@dataclass(frozen=True, slots=True)
class _Caption:
    """`words` are folded; `spans` say where each stands in the `text`."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One caption in one language. `roles` holds, for each word, the kinds and codes that cover it."""

    caption: _Caption
    hits: tuple[Hit, ...]
    roles: tuple[frozenset[tuple[str, str]], ...]
    negated: frozenset[Hit]

    def wishes(self, kind: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.kind == kind and hit not in self.negated]


def parse_prompt(prompt: str, *, locale: str) -> Directions:
    """What a caption asks for, in whichever of our languages it is written; never raises."""
    caption = _split(prompt)
    readings = [_read(caption, lexicon) for lexicon in _by_likelihood(caption, locale)]
    reading = next((one for one in readings if _says_something(one)), readings[0])
    return _direct(reading, _find_emoji(prompt))


def _split(text: str) -> _Caption:
    matches = list(WORDS.finditer(text))
    return _Caption(
        text=text,
        words=tuple(fold(match.group().replace("\u2019", "'")) or match.group() for match in matches),
        spans=tuple(match.span() for match in matches),
    )


def _find_emoji(text: str) -> list[str]:
    return list(dict.fromkeys(_EMOJI[character] for character in text if character in _EMOJI))


def _by_likelihood(caption: _Caption, locale: str) -> list[Lexicon]:
    """The language that knows most words of the caption; the locale breaks a tie."""
    spoken = re.split(r"[-_]", locale)[0]

    def rate(lexicon: Lexicon) -> float:
        common = sum(word in lexicon.common for word in caption.words)
        known = {number for hit in lexicon.find(caption.words) for number in range(hit.start, hit.end)}
        return 2 * common + len(known) + 0.5 * (lexicon.language == spoken)

    return sorted(load_lexicons(), key=rate, reverse=True)


def _says_something(reading: _Reading) -> bool:
    return any(hit.kind in {*_WISHES, "sound", "loop"} for hit in reading.hits)


def _read(caption: _Caption, lexicon: Lexicon) -> _Reading:
    hits = tuple(lexicon.find(caption.words))
    roles: list[set[tuple[str, str]]] = [set() for _ in caption.words]
    for hit in hits:
        for number in range(hit.start, hit.end):
            roles[number].add((hit.kind, hit.code))
    reading = _Reading(caption, hits, tuple(frozenset(role) for role in roles), frozenset())
    negated: set[Hit] = set()
    for hit in hits:
        if hit.kind in {*_WISHES, "sound"} and _is_negated(hit, reading, negated):
            negated.add(hit)
    return _Reading(caption, reading.hits, reading.roles, frozenset(negated))


# --- negation --------------------------------------------------------------------------------------------


def _is_negated(hit: Hit, reading: _Reading, negated: set[Hit]) -> bool:
    return _negated_before(hit, reading, negated) or _negated_after(hit, reading)


def _negated_before(hit: Hit, reading: _Reading, negated: set[Hit]) -> bool:
    """Backwards from the hit, as far as a negation reaches: "no snow or rain", "without any heavy snow"."""
    left, joined = NEGATION_REACH, False
    for number in range(hit.start - 1, -1, -1):
        roles = reading.roles[number]
        if reading.caption.words[number] in PARTING or ("joint", "but") in roles:
            return False
        if ("negation", "before") in roles:
            return True
        earlier = _wish_at(number, reading)
        if earlier is not None:
            return earlier in negated and (joined or earlier.code == hit.code) and earlier.kind == hit.kind
        if ("joint", "or") in roles or (("joint", "and") in roles and number == hit.start - 1):
            joined = True
        elif ("joint", "and") in roles:
            return False
        elif not _is_light(roles):
            left -= 1
        if left < 0:
            return False
    return False


def _negated_after(hit: Hit, reading: _Reading) -> bool:
    """Forwards, where the language puts it there: "den Himmel bitte nicht"."""
    left = 1
    for number in range(hit.end, len(reading.caption.words)):
        roles = reading.roles[number]
        if ("negation_after", "after") in roles:
            return True
        parted = reading.caption.words[number] in PARTING or any(kind == "joint" for kind, _ in roles)
        if parted or _wish_at(number, reading) is not None:
            return False
        left -= 0 if _is_light(roles) else 1
        if left < 0:
            return False
    return False


def _is_light(roles: frozenset[tuple[str, str]]) -> bool:
    return any(kind in {"small", "strength", "speed"} for kind, _ in roles)


def _wish_at(number: int, reading: _Reading) -> Hit | None:
    return next(
        (hit for hit in reading.hits if hit.kind in _WISHES and hit.start <= number < hit.end),
        None,
    )


# --- what is asked for -----------------------------------------------------------------------------------


def _direct(reading: _Reading, emoji: list[str]) -> Directions:
    refused = dict.fromkeys(
        _camera_code(hit)
        for hit in reading.hits
        if hit in reading.negated and hit.kind in {"effect", "camera"}
    )
    wishes = _find_wishes(reading, refused, emoji)
    return Directions(
        camera=_find_camera(reading),
        wishes=wishes,
        refused=tuple(refused),
        impossible=tuple(_find_impossible(reading)),
        speed=_find_speed(reading),
        loop=any(hit.kind == "loop" for hit in reading.hits),
        sound=_find_sound(reading),
        understood=bool(wishes)
        or any(hit.kind in {*_WISHES, "sound", "loop", "speed"} for hit in reading.hits),
    )


def _find_wishes(reading: _Reading, refused: Iterable[str], emoji: list[str]) -> tuple[Wish, ...]:
    """In the order of the caption; the first strength that is said counts, and a refusal wins."""
    strengths: dict[str, float] = {}
    for hit in reading.wishes("effect"):
        strength = _strength(hit, reading)
        if strengths.get(hit.code, 1.0) == 1.0:
            strengths[hit.code] = strength
    for code in emoji:
        strengths.setdefault(code, 1.0)
    return tuple(
        Wish(effect=code, strength=strength) for code, strength in strengths.items() if code not in refused
    )


def _strength(hit: Hit, reading: _Reading) -> float:
    """The nearest word of strength in the same clause: up to three words before, or two after."""
    for number in (*range(hit.start - 1, hit.start - 4, -1), None, hit.end, hit.end + 1):
        if number is None:
            continue
        if not 0 <= number < len(reading.roles) or _ends_phrase(number, reading):
            if number < hit.start:
                continue
            break
        for kind, code in reading.roles[number]:
            if kind == "strength" and _no_break_between(hit, number, reading):
                return STRENGTHS[code]
    return 1.0


def _no_break_between(hit: Hit, number: int, reading: _Reading) -> bool:
    between = range(number + 1, hit.start) if number < hit.start else range(hit.end, number)
    return not any(_ends_phrase(other, reading) for other in between)


def _ends_phrase(number: int, reading: _Reading) -> bool:
    """A comma, a joint or another wish: what stands beyond belongs to something else."""
    joined = any(kind == "joint" for kind, _ in reading.roles[number])
    return reading.caption.words[number] in PARTING or joined or _wish_at(number, reading) is not None


def _find_camera(reading: _Reading) -> str | None:
    """A still camera wins over a move that is named too, and "no camera movement" is one."""
    moves = [hit.code for hit in reading.wishes("camera")]
    unmoved = any(hit.kind == "camera" and hit.code == "any" for hit in reading.negated)
    if "static" in moves or (unmoved and not moves):
        return "static"
    named = [code for code in moves if code != "any"]
    return named[0] if named else ("push_in" if moves else None)


def _camera_code(hit: Hit) -> str:
    return "push_in" if hit.code == "any" else hit.code


def _find_speed(reading: _Reading) -> float:
    return next((SPEEDS[hit.code] for hit in reading.hits if hit.kind == "speed"), 1.0)


def _find_sound(reading: _Reading) -> bool | None:
    for hit in reading.hits:
        if hit.kind == "sound":
            return hit.code == "sound" and hit not in reading.negated
    return None


# --- what cannot be done ---------------------------------------------------------------------------------


def _find_impossible(reading: _Reading) -> Iterator[str]:
    """The words of the caption around each thing that cannot be done, once each."""
    quoted: set[tuple[int, int]] = set()
    for hit in reading.wishes("impossible"):
        start, end = _clause(hit, reading)
        others = [
            other
            for other in (*reading.wishes("effect"), *reading.wishes("camera"))
            if start <= other.start < end
        ]
        if hit.code == "change" and others:
            continue
        start = max([start, *(other.end for other in others if other.end <= hit.start)])
        end = min([end, *(other.start for other in others if other.start >= hit.end)])
        span = _trim(hit, start, end, reading)
        if others and not _has_subject(hit, span, reading):
            continue  # "the clouds should race": the effect itself is what moves
        if not any(span[0] < stop and begin < span[1] for begin, stop in quoted):
            quoted.add(span)
            yield _quote(span, reading.caption)


def _has_subject(hit: Hit, span: tuple[int, int], reading: _Reading) -> bool:
    """Something besides the act itself, small words and words of strength or speed."""
    around = (*range(span[0], hit.start), *range(hit.end, span[1]))
    return any(not _is_light(reading.roles[number]) for number in around)


def _clause(hit: Hit, reading: _Reading) -> tuple[int, int]:
    """From the parting before the hit to the one after it."""
    start, end = hit.start, hit.end
    while start > 0 and not _parts(start - 1, reading):
        start -= 1
    while end < len(reading.roles) and not _parts(end, reading):
        end += 1
    return start, end


def _parts(number: int, reading: _Reading) -> bool:
    joined = any(role in reading.roles[number] for role in (("joint", "and"), ("joint", "but")))
    return reading.caption.words[number] in PARTING or joined


def _trim(hit: Hit, start: int, end: int, reading: _Reading) -> tuple[int, int]:
    """At most QUOTE_WORDS words, without small ones at the end."""
    start = max(start, hit.end - QUOTE_WORDS + 2)
    end = min(end, start + QUOTE_WORDS)
    while end > hit.end and ("small", "small") in reading.roles[end - 1]:
        end -= 1
    return start, max(end, hit.end)


def _quote(span: tuple[int, int], caption: _Caption) -> str:
    return caption.text[caption.spans[span[0]][0] : caption.spans[span[1] - 1][1]]
