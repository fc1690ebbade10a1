"""What a caption asks for and nothing here can do, in the person's own words."""

from __future__ import annotations

from collections.abc import Iterator

from engine.prompts.lexicon import Hit
from engine.prompts.reading import Caption, Reading

FLYING = frozenset(
    [
        "snow",
        "petals",
        "leaves",
        "confetti",
        "embers",
        "balloons",
        "hearts",
        "fireflies",
        "sky_drift",
        "steam",
        "hair",
    ]
)
FLOWING = FLYING - {"snow", "hair"} | {"rain", "water", "white_water", "swash", "flicker", "sway", "fog"}
HIDING = frozenset(["fog", "snow", "rain", "steam", "night", "golden_hour"])
PLACES = frozenset(["water", "swash", "night", "golden_hour"])
_FLIGHT = 8
"""Words between what flies and its verb."""
QUOTE_LETTERS = 60
QUOTE_WORDS = 9
"""A quotation is at most so long; where words are single characters, the letters count."""


def find_impossible(reading: Reading) -> Iterator[str]:
    """The words of the caption around each thing that cannot be done, once each."""
    quoted_until = 0
    for hit in reading.wishes("impossible"):
        if _is_heard(hit, reading):
            continue
        clause = find_clause(hit, reading)
        others = _other_wishes(hit, clause, reading)
        if hit.code == "change" and _names_a_wish(clause, reading):
            continue
        if hit.code == "vanishing" and any(other.code in HIDING for other in others):
            continue
        if (
            _flows(hit, reading)
            or _is_cameras(hit, reading)
            or (hit.code == "flight" and _flies(hit, reading))
        ):
            continue
        start = max([clause[0], *(other.end for other in others if other.end <= hit.start)])
        end = min([clause[1], *(other.start for other in others if other.start >= hit.end)])
        span = _trim(hit, start, end, reading)
        if not _has_subject(hit, span, reading) and any(
            _moves_itself(hit, other, reading) for other in others
        ):
            continue
        if span[0] >= quoted_until:
            quoted_until = span[1]
            yield _quote(span, reading.caption)


def _is_heard(hit: Hit, reading: Reading) -> bool:
    """Birds that sing are a sound."""
    return any(kind == "heard" for number in range(hit.start, hit.end) for kind, _ in reading.roles[number])


def _names_a_wish(clause: tuple[int, int], reading: Reading) -> bool:
    return any((hit := reading.at[number]) and hit.kind != "impossible" for number in range(*clause))


def _flows(hit: Hit, reading: Reading) -> bool:
    """The word before, small ones left out, is what acts: "the river runs", "fireflies that dance"."""
    number = hit.start - 1
    while number > 0 and ("small", "small") in reading.roles[number] and reading.at[number] is None:
        number -= 1
    if number >= 0 and ("toward", "nouns") in reading.roles[number]:  # the camera flies, walks or drives
        return True
    before = reading.at[number] if number >= 0 else None
    return before is not None and before.code in FLOWING


def _is_cameras(hit: Hit, reading: Reading) -> bool:
    """The word after is a camera: "fly the camera around it"."""
    number = hit.end
    while number < len(reading.roles) and ("small", "small") in reading.roles[number]:
        number += 1
    return number < len(reading.roles) and ("toward", "nouns") in reading.roles[number]


def _flies(hit: Hit, reading: Reading) -> bool:
    """An effect that can fly stands before it in its clause: "the petals of the cherry fly"."""
    number = hit.start - 1
    while number >= max(0, hit.start - _FLIGHT):
        if (
            reading.ends_clause(number) and ("small", "small") not in reading.roles[number + 1]
        ):  # ", that fly"
            return False
        wish = reading.at[number]
        if wish and wish.code in FLYING:
            return True
        number -= 1
    return False


def _other_wishes(hit: Hit, clause: tuple[int, int], reading: Reading) -> list[Hit]:
    found = {reading.at[number] for number in range(*clause)} - {hit, None}
    wishes = [one for one in found if one and one.kind != "impossible" and one not in reading.negated]
    return sorted(wishes, key=lambda other: other.start)


def _moves_itself(hit: Hit, other: Hit, reading: Reading) -> bool:
    """The effect is what moves: "the clouds should race", "throw confetti"; "jumps into the lake" says where."""
    if other.start >= hit.end:
        between = range(hit.end, other.start)
        small = all(("small", "small") in reading.roles[number] for number in between)
        return not between or (small and other.code in FLYING)
    return other.end == hit.start or other.code not in PLACES


def _has_subject(hit: Hit, span: tuple[int, int], reading: Reading) -> bool:
    """Something besides the act itself, small words and words of strength or speed."""
    around = (*range(span[0], hit.start), *range(hit.end, span[1]))
    return any(not reading.is_light(number) for number in around)


def find_clause(hit: Hit, reading: Reading) -> tuple[int, int]:
    """From the parting before the hit to the one after it, as far as a quotation could go."""
    start, end = hit.start, hit.end
    reach = QUOTE_LETTERS if _is_unspaced(hit, reading) else 2 * QUOTE_WORDS
    while start > max(0, hit.start - reach) and not reading.begins_clause(start):
        if reading.ends_clause(start - 1):
            break
        start -= 1
    while end < min(len(reading.roles), hit.end + reach):
        if reading.ends_clause(end) or reading.begins_clause(end):
            break
        end += 1
    return start, end


def _is_unspaced(hit: Hit, reading: Reading) -> bool:
    spans = reading.caption.spans
    return any(
        spans[n][1] - spans[n][0] == 1 and ord(reading.caption.text[spans[n][0]]) > 0x3000
        for n in range(hit.start, hit.end)
    )


def _trim(hit: Hit, start: int, end: int, reading: Reading) -> tuple[int, int]:
    """Not too many words, without small ones at the end; single characters would tear a word apart."""
    unspaced = _is_unspaced(hit, reading)
    most = QUOTE_LETTERS if unspaced else QUOTE_WORDS
    start = max(start, hit.end - most + 2)
    end = min(end, start + most)
    while not unspaced and end > hit.end and ("small", "small") in reading.roles[end - 1]:
        end -= 1
    return start, max(end, hit.end)


def _quote(span: tuple[int, int], caption: Caption) -> str:
    return caption.text[caption.spans[span[0]][0] : caption.spans[span[1] - 1][1]]
