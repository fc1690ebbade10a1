"""Which concepts a caption speaks of: the rules of `concepts.toml` over the hits of the wordbooks."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import structs

from engine.gates import ALLOWED, Ruling
from engine.gates.caption import NAMES, Caption
from engine.gates.wordbook import Hit, wordbook
from engine.schema import Reason
from engine.verdicts import Refusal

GATE = "prompt.concepts"

VERB_LAST = frozenset({"tr", "hi", "fa"})
"""Languages that put the object before its verb: `ordered` does not hold there."""


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
    holds over the whole caption; `marks` says what the caption is about (a child, somebody famous). `ordered`: the
    groups stand in this order ("hits the man", not "the man hits"), where the language puts verbs before objects.
    `firm`: no meaning overrules it, whatever the rest of the caption says.
    """

    concept: str
    all: tuple[str, ...]
    ask: Ask | None = None
    reason: Reason | None = None
    marks: str | None = None
    within: int = 8
    ordered: bool = False
    firm: bool = False
    unless: tuple[str, ...] = ()


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`concepts.toml`: the rules in order of gravity, and groups that a word of negation takes back."""

    rule: tuple[Rule, ...]
    negatable: frozenset[str] = frozenset()


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules found in one caption; `groups` are the word groups that stand in it, rule or not."""

    rules: tuple[Rule, ...] = ()
    groups: frozenset[str] = frozenset()
    known_words: int = 0

    @property
    def asks(self) -> frozenset[Ask]:
        return frozenset(rule.ask for rule in self.rules if rule.ask) or frozenset({Ask.FREE})

    def upheld(self) -> Reading:
        """Without the refusing rules that a meaning may overrule: "the puppy on a leash" humiliates nobody."""
        return structs.replace(self, rules=tuple(rule for rule in self.rules if rule.firm or not rule.reason))

    @property
    def marks(self) -> frozenset[str]:
        return frozenset(rule.marks for rule in self.rules if rule.marks)


@cache
def load_rules() -> Rules:
    """Reads `concepts.toml` once. Raises msgspec.ValidationError when it is not what `Rules` says."""
    text = files("engine.gates").joinpath("concepts.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), type=Rules, strict=False)


def read_concepts(caption: Caption) -> Reading:
    """The rules that hold in the caption, in order of gravity. Languages are read apart, each with the names."""
    rules = load_rules()
    found: set[int] = set()
    known: set[int] = set()
    groups: set[str] = set()
    names = _find(NAMES, caption)
    for language in caption.languages:
        hits = _by_group((*_find(language, caption), *names), negatable=rules.negatable)
        known.update(place for spans in hits.values() for hit in spans for place in range(hit.start, hit.end))
        groups.update(group for group, spans in hits.items() if spans)
        ordered = language not in VERB_LAST
        found.update(i for i, rule in enumerate(rules.rule) if _holds(rule, hits, ordered=ordered))
    standing = tuple(rules.rule[i] for i in sorted(found))
    return Reading(rules=standing, groups=frozenset(groups), known_words=len(known))


def refuse_concepts(reading: Reading) -> Ruling:
    """Refuses for the gravest rule that refuses by words alone."""
    grave = next((rule for rule in reading.rules if rule.reason), None)
    if grave is None or grave.reason is None:
        return ALLOWED
    return Ruling(Refusal(reason=grave.reason, gate=GATE), 1.0)


def _find(language: str, caption: Caption) -> tuple[Hit, ...]:
    book = wordbook(language)
    return book.find(caption.words) if book and language in caption.languages else ()


def _by_group(hits: Iterable[Hit], *, negatable: frozenset[str]) -> Mapping[str, Sequence[Hit]]:
    grouped: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        grouped[hit.group].append(hit)
    for group in negatable & grouped.keys():
        denied = {hit.end for hit in grouped.get("negation", ())}
        grouped[group] = [hit for hit in grouped[group] if hit.start not in denied]
    return grouped


def _holds(rule: Rule, hits: Mapping[str, Sequence[Hit]], *, ordered: bool) -> bool:
    if any(hits.get(group) for group in rule.unless):
        return False
    spans = [hits.get(group, ()) for group in rule.all]
    return any(
        all(
            any(_near(hit, first, rule.within, ordered=ordered and rule.ordered) for hit in group)
            for group in spans[1:]
        )
        for first in spans[0]
    )


def _near(hit: Hit, first: Hit, within: int, *, ordered: bool) -> bool:
    """Beside each other, or one inside the other's gap ("take [her dress] off"); one word never counts twice."""
    inside = first.start < hit.start < hit.end < first.end or hit.start < first.start < first.end < hit.end
    after, before = hit.start - first.end, first.start - hit.end
    return inside or 0 <= (after if ordered else max(after, before)) <= within
