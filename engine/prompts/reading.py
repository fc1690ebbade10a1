"""A caption in one language: which of its words mean what, and which of them are negated."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.prompts.lexicon import (
    LINGUA_FRANCA,
    PARTING,
    WORDS,
    Hit,
    Lexicon,
    fold_word,
    load_index,
    load_lexicons,
)

WISHES = frozenset({"effect", "camera", "impossible"})
SPOKEN_TO = WISHES | {"sound", "heard", "loop"}
"""Kinds that ask for something; of all other words none makes a wish."""

_SHORTEST_LOAN = 4
"""English words of captions in other languages that use its letters are read from this length on: "pan" is bread."""

_SETTLED = 2
"""With so many common words of a language a caption is in it, even if it asks for nothing."""


@dataclass(frozen=True, slots=True)
class Caption:
    """`words` are folded; `spans` say where each stands in the `text`."""

    text: str
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """`roles` holds, for each word, the kinds and codes that cover it; `at` the wish that it belongs to."""

    caption: Caption
    lexicon: Lexicon
    hits: tuple[Hit, ...]
    roles: tuple[frozenset[tuple[str, str]], ...]
    at: tuple[Hit | None, ...]
    negated: frozenset[Hit] = frozenset()

    def wishes(self, kind: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.kind == kind and hit not in self.negated]

    def is_light(self, number: int) -> bool:
        """A word that is no distance."""
        return any(kind in {"small", "strength", "speed"} for kind, _ in self.roles[number])

    def parts(self, number: int) -> bool:
        """A mark that ends a clause."""
        return self.caption.words[number] in PARTING

    def ends_phrase(self, number: int) -> bool:
        """A mark, a joint or a wish: what stands beyond belongs to something else."""
        joined = any(kind == "joint" for kind, _ in self.roles[number])
        return self.parts(number) or joined or self.at[number] is not None

    def ends_clause(self, number: int) -> bool:
        joined = any(role in self.roles[number] for role in (("joint", "and"), ("joint", "but")))
        return self.parts(number) or joined

    def begins_clause(self, number: int) -> bool:
        return ("joint", "attached") in self.roles[number]


def read(prompt: str, *, locale: str) -> Reading:
    """In the likeliest language that says something; what that one does not know may be said in another."""
    caption = _split(prompt)
    found = load_index().find(caption.words)
    lexicons = load_lexicons()
    ranked = _by_likelihood(caption, found, locale)
    if not ranked:
        return _interpret(caption, lexicons[LINGUA_FRANCA], [])
    chosen = ranked[0]
    if not _is_settled(caption, lexicons[chosen]):
        chosen = next((one for one in ranked if _says_something(found[one])), chosen)
    hits = [*found[chosen], *_loans(caption, found, lexicons[chosen], ranked)]
    return _interpret(caption, lexicons[chosen], sorted(hits, key=lambda hit: hit.start))


def _split(text: str) -> Caption:
    matches = list(WORDS.finditer(text))
    return Caption(
        text=text,
        words=tuple(fold_word(match.group()) or match.group() for match in matches),
        spans=tuple(match.span() for match in matches),
    )


def _by_likelihood(caption: Caption, found: dict[str, list[Hit]], locale: str) -> list[str]:
    """The language that knows most words of the caption; ties go to the locale, then to English, then to longer words."""
    spoken = re.split(r"[-_]", locale)[0]

    def rate(language: str) -> tuple[float, bool, int]:
        known = {number for hit in found[language] for number in range(hit.start, hit.end)}
        common = _common_words(caption, load_lexicons()[language])
        return (
            2 * common + len(known) + 0.5 * (language == spoken),
            language == LINGUA_FRANCA,
            sum(len(caption.words[n]) for n in known),
        )

    return sorted(found, key=rate, reverse=True)


def _common_words(caption: Caption, lexicon: Lexicon) -> int:
    return sum(word in lexicon.common for word in caption.words)


def _is_settled(caption: Caption, lexicon: Lexicon) -> bool:
    return _common_words(caption, lexicon) >= _SETTLED


def _says_something(hits: Iterable[Hit]) -> bool:
    return any(hit.kind in SPOKEN_TO or hit.kind == "decoy" for hit in hits)


def _loans(
    caption: Caption, found: dict[str, list[Hit]], chosen: Lexicon, ranked: Sequence[str]
) -> list[Hit]:
    """Hits of other languages among words that the chosen one does not know, in English or in another script."""
    known = bytearray(word in chosen.common for word in caption.words)
    for hit in found[chosen.language]:
        known[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
    own = _script(caption, found[chosen.language])
    loans: list[Hit] = []
    for language in ranked:
        if language == chosen.language:
            continue
        for hit in found[language]:
            if hit.start == hit.end or any(known[hit.start : hit.end]):
                continue
            word = caption.words[hit.start]
            foreign = _letters(word) != own
            long = language == LINGUA_FRANCA and len(word) >= _SHORTEST_LOAN and hit.kind != "impossible"
            if (foreign or long) and hit.kind not in {"joint", "small", "negation_after"}:
                loans.append(hit)
        for hit in loans:
            known[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
    return loans


def _script(caption: Caption, hits: Sequence[Hit]) -> str:
    return _letters(caption.words[hits[0].start]) if hits else ""


def _letters(word: str) -> str:
    """Which of the scripts of our tables a word is in: by the block of its first letter."""
    first = next((letter for letter in word if letter.isalpha()), "a")
    return next((name for end, name in _BLOCKS if first <= end), "han")


_BLOCKS = (
    ("\u024f", "latin"),
    ("\u052f", "cyrillic"),
    ("\u06ff", "arabic"),
    ("\u097f", "devanagari"),
    ("\u11ff", "other"),
)


def _interpret(caption: Caption, lexicon: Lexicon, hits: Sequence[Hit]) -> Reading:
    roles: list[set[tuple[str, str]]] = [set() for _ in caption.words]
    at: list[Hit | None] = [None] * len(caption.words)
    for hit in hits:
        for number in range(hit.start, hit.end):
            roles[number].add((hit.kind, hit.code))
            if hit.kind in WISHES:
                at[number] = hit
    reading = Reading(caption, lexicon, tuple(hits), tuple(map(frozenset, roles)), tuple(at))
    return Reading(
        caption, lexicon, reading.hits, reading.roles, reading.at, frozenset(_find_negated(reading))
    )


# --- negation --------------------------------------------------------------------------------------------

_NEGATABLE = WISHES | {"sound", "heard"}
_NEGATIONS = (("negation", "before"), ("negation_after", "after"))
_TRANSPARENT = "change"
"""The code of verbs that a negation reaches through: "don't add petals"."""


def _find_negated(reading: Reading) -> set[Hit]:
    negated: set[Hit] = set()
    hits = [hit for hit in reading.hits if hit.kind in _NEGATABLE]
    for hit in reversed(hits):
        still = hit.code == "static"  # "the camera does not move" is a wish
        if not still and (_negated_within(hit, reading) or _negated_after(hit, reading, negated)):
            negated.add(hit)
    for hit in hits:
        if hit not in negated and _negated_before(hit, reading, negated):
            negated.add(hit)
    return negated


def _negated_within(hit: Hit, reading: Reading) -> bool:
    """The word itself says so ("karsız"), or one in the gap of a phrase."""
    inner = range(hit.start + 1, hit.end - 1)
    return any(
        ("negation", "within") in reading.roles[number] for number in range(hit.start, hit.end)
    ) or any(role in reading.roles[number] for number in inner for role in _NEGATIONS)


def _negated_before(hit: Hit, reading: Reading, negated: set[Hit]) -> bool:
    """Backwards from the hit, as far as a negation reaches: "no snow or rain", "without any heavy snow"."""
    left, joined = reading.lexicon.reach, reading.begins_clause(hit.start)
    for number in range(hit.start - 1, -1, -1):
        roles = reading.roles[number]
        if reading.parts(number) or ("joint", "but") in roles:
            return False
        if ("negation", "before") in roles:
            return True
        if (
            "joint",
            "except",
        ) in roles:  # "snow on everything except the lake", but "nothing except the lake moves"
            return not _is_denied(number, reading)
        earlier = reading.at[number]
        if earlier is not None and earlier.code != _TRANSPARENT:
            return earlier in negated and _goes_on(hit, earlier, joined=joined)
        if ("joint", "or") in roles or (("joint", "and") in roles and number == hit.start - 1):
            joined = True
        elif ("joint", "and") in roles and not _follows_negation(number, reading):
            return False
        elif not reading.is_light(number):
            left -= 1
        if left < 0:
            return False
    return False


def _negated_after(hit: Hit, reading: Reading, negated: set[Hit]) -> bool:
    """Forwards, where the language puts it there: "den Himmel bitte nicht", "雪や雨なし"."""
    left, joined = reading.lexicon.reach_after, ("joint", "or") in reading.roles[hit.end - 1]
    for number in range(hit.end, len(reading.caption.words)):
        roles = reading.roles[number]
        if ("negation_after", "after") in roles or _is_last_word_no(number, reading):
            return True
        if ("joint", "but") in roles and _is_inside(number, reading):
            continue
        if ("joint", "except") in roles:
            return not _is_denied(number, reading)
        later = reading.at[number]
        if later is not None and later.code != _TRANSPARENT:
            return joined and later in negated and _goes_on(hit, later, joined=True)
        if ("joint", "or") in roles or (("joint", "and") in roles and number == hit.end):
            joined = True
        elif reading.parts(number) or any(kind == "joint" for kind, _ in roles):
            return False
        elif not reading.is_light(number):
            left -= 1
        if left < 0:
            return False
    return False


def _is_denied(number: int, reading: Reading) -> bool:
    """There is a negation elsewhere in the clause of an "except": what it takes out is what is wanted."""
    for step in (-1, 1):
        other = number + step
        while 0 <= other < len(reading.roles) and not reading.parts(other):
            if any(role in reading.roles[other] for role in _NEGATIONS):
                return True
            other += step
    return False


def _is_inside(number: int, reading: Reading) -> bool:
    """A "but" that parts nothing, right before a negation that no other wish follows: "die Wolken aber nicht bewegen"."""
    after = range(number + 1, len(reading.roles))
    end = next((one for one in after if reading.parts(one)), len(reading.roles))
    negates = number + 1 < end and ("negation_after", "after") in reading.roles[number + 1]
    return negates and not any(reading.at[one] for one in range(number + 1, end))


def _goes_on(hit: Hit, other: Hit, *, joined: bool) -> bool:
    """A negation that holds for `other` holds for the hit too: "no snow or rain", "without music and sound"."""
    alike = hit.kind == other.kind or (hit.kind == "sound" and other.kind == "impossible")
    return hit.code != "static" and alike and (joined or hit.code == other.code)


def _is_last_word_no(number: int, reading: Reading) -> bool:
    """A negation that has nothing after it: "snow yes, wind no"."""
    last = number + 1 == len(reading.roles) or reading.parts(number + 1)
    return last and ("negation", "before") in reading.roles[number]


def _follows_negation(number: int, reading: Reading) -> bool:
    """Without accents "é" looks like "e": in "não é" it joins nothing."""
    return number > 0 and ("negation", "before") in reading.roles[number - 1]
