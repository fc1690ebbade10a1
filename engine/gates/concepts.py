"""Which concepts a caption speaks of: the rules of `concepts.toml` over the hits of the wordbooks."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec

from engine.gates import ALLOWED, Ruling
from engine.gates.caption import Caption
from engine.gates.wordbook import Hit, wordbook
from engine.schema import Reason
from engine.verdicts import Refusal

GATE = "prompt.concepts"


class Ask(StrEnum):
    """What a caption asks for: the columns of the matrix in `engine.policy`."""

    GENTLE = "gentle"  # weather, camera, light
    FREE = "free"  # anything that no rule knows
    AFFECTION = "affection"
    KISS = "kiss"  # each other
    ACTION = "action"  # sport, dance, costume
    SWIMWEAR = "swimwear"
    WEAPON = "weapon"  # as a prop; aiming one is refused by the text alone
    SPEECH = "speech"
    SEXUAL = "sexual"
    HARM = "harm"  # injury, crime, humiliation


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A concept stands where every group of `all` has a hit within `within` words and none of `unless` does.

    With a `reason` the words alone are refused; without one the photo decides, through the matrix. `unless`
    holds over the whole caption; `marks` says what the caption is about (a child, somebody famous).
    """

    concept: str
    all: tuple[str, ...]
    ask: Ask | None = None
    reason: Reason | None = None
    marks: str | None = None
    within: int = 8
    unless: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`concepts.toml`: the rules in order of gravity, and groups that a word of negation takes back."""

    rule: tuple[Rule, ...]
    negatable: frozenset[str] = frozenset()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules found in one caption."""

    rules: tuple[Rule, ...] = ()
    known_words: int = 0

    @property
    def asks(self) -> frozenset[Ask]:
        return frozenset(rule.ask for rule in self.rules if rule.ask) or frozenset({Ask.FREE})

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(rule.marks for rule in self.rules if rule.marks)


@cache
def load_rules() -> Rules:
    """Reads `concepts.toml` once. Raises msgspec.ValidationError when it is not what `Rules` says."""
    text = files("engine.gates").joinpath("concepts.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), type=Rules, strict=False)


def read_concepts(caption: Caption) -> Reading:
    """The rules that hold in the caption, in order of gravity. Languages are read apart, never mixed."""
    rules = load_rules()
    found: set[int] = set()
    known: set[int] = set()
    for language in caption.languages:
        book = wordbook(language)
        if book is None:
            continue
        hits = _by_group(book.find(caption.words), negatable=rules.negatable)
        known.update(place for spans in hits.values() for hit in spans for place in range(hit.start, hit.end))
        found.update(i for i, rule in enumerate(rules.rule) if _holds(rule, hits))
    return Reading(rules=tuple(rules.rule[i] for i in sorted(found)), known_words=len(known))


def refuse_concepts(reading: Reading) -> Ruling:
    """Refuses for the gravest rule that refuses by words alone."""
    grave = next((rule for rule in reading.rules if rule.reason), None)
    if grave is None or grave.reason is None:
        return ALLOWED
    return Ruling(Refusal(reason=grave.reason, gate=GATE), 1.0)


def _by_group(hits: Iterable[Hit], *, negatable: frozenset[str]) -> Mapping[str, Sequence[Hit]]:
    grouped: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        grouped[hit.group].append(hit)
    for group in negatable & grouped.keys():
        denied = {hit.end for hit in grouped.get("negation", ())}
        grouped[group] = [hit for hit in grouped[group] if hit.start not in denied]
    return grouped


def _holds(rule: Rule, hits: Mapping[str, Sequence[Hit]]) -> bool:
    if any(hits.get(group) for group in rule.unless):
        return False
    return _close(tuple(hits.get(group, ()) for group in rule.all), rule.within)


def _close(spans: Sequence[Sequence[Hit]], within: int) -> bool:
    """Some hit of the first group has one of every other group within so many words, and not the same ones."""
    return any(
        all(any(_near(hit, first, within) for hit in others) for others in spans[1:]) for first in spans[0]
    )


def _near(a: Hit, b: Hit, within: int) -> bool:
    """Beside each other, or one inside the other's gap ("take [her dress] off"); one word never counts twice."""
    inside = a.start < b.start < b.end < a.end or b.start < a.start < a.end < b.end
    gap = max(a.start - b.end, b.start - a.end)
    return inside or 0 <= gap <= within
