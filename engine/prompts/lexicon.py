"""The lexicon: which words of a language ask for what, read from one TOML table a language.

An entry is a word or a phrase, as a person writes it; accents and case do not matter. `*` at the end of a word
stands for any ending ("snowflake*"), at its beginning for any beginning ("*nebel"); `..` stands for up to two words
("camera .. still"). The longest entry wins where several fit ("zoom out" over "zoom").
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from engine.prompts.normalise import fold

FOLDER = Path(__file__).with_name("lexicon")

WORDS = re.compile(
    r"(?<!\w)(?:l|d|un|dell|all|nell|sull|dall|quest|nessun|c|s)['\u2019](?=\w)"
    r"|\*?\w+(?:['\u2019]\w+)*['\u2019]?\*?|\.\.|[.,;:!?()\n\u2026&]",
    re.IGNORECASE,
)
"""An elided article, a word (with its apostrophes, and the tables' `*`), or a mark that parts clauses."""

Words = tuple[str, ...]


class _Modifiers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    weak: Words
    strong: Words
    slow: Words
    fast: Words


class _Grammar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`but` ends a negation, `and` may carry it on, `or` does; `small` words do not count as a distance."""

    negation: Words
    negation_after: Words
    but: Words
    and_: Words = msgspec.field(name="and")
    or_: Words = msgspec.field(name="or")
    small: Words


class _Sound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: Words
    mute: Words


class _Loop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: Words


class _Impossible(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    acts: Words
    changes: Words


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    language: str
    common: Words
    effects: dict[str, Words]
    camera: dict[str, Words]
    modifiers: _Modifiers
    grammar: _Grammar
    sound: _Sound
    loop: _Loop
    impossible: _Impossible


@dataclass(frozen=True, slots=True)
class Hit:
    """Words `start` to `end` (exclusive) of a caption mean `code` of `kind`."""

    kind: str
    code: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """One language, ready to be matched. `words` are sets of folded single words by role."""

    language: str
    patterns: tuple[tuple[str, str, re.Pattern[str]], ...]
    common: frozenset[str]
    effects: frozenset[str]
    cameras: frozenset[str]

    def find(self, words: tuple[str, ...]) -> list[Hit]:
        """All hits in folded words, in order; of hits of one kind that overlap only the longest is kept."""
        text = f" {' '.join(words)} "
        starts = {offset: number for number, offset in enumerate(_offsets(words))}
        found: list[Hit] = []
        for kind, code, pattern in self.patterns:
            for match in pattern.finditer(text):
                first = starts[match.start() + 1]
                found.append(Hit(kind, code, first, first + match.group().count(" ")))
        return _longest(found)


@cache
def load_lexicons() -> tuple[Lexicon, ...]:
    """Every language that has a table, by name of its file."""
    return tuple(_read(path) for path in sorted(FOLDER.glob("*.toml")))


def _read(path: Path) -> Lexicon:
    table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), type=_Table)
    return Lexicon(
        language=table.language,
        patterns=tuple(_compile(_entries(table))),
        common=frozenset(fold(word) for word in table.common),
        effects=frozenset(table.effects),
        cameras=frozenset(table.camera),
    )


def _entries(table: _Table) -> Iterator[tuple[str, Mapping[str, Iterable[str]]]]:
    yield "effect", table.effects
    yield "camera", table.camera
    yield "strength", {"weak": table.modifiers.weak, "strong": table.modifiers.strong}
    yield "speed", {"slow": table.modifiers.slow, "fast": table.modifiers.fast}
    grammar = table.grammar
    yield "negation", {"before": grammar.negation}
    yield "negation_after", {"after": grammar.negation_after}
    yield "joint", {"but": grammar.but, "and": grammar.and_, "or": grammar.or_}
    yield "small", {"small": grammar.small}
    yield "sound", {"sound": table.sound.words, "mute": table.sound.mute}
    yield "loop", {"loop": table.loop.words}
    yield "impossible", {"act": table.impossible.acts, "change": table.impossible.changes}


def _compile(
    tables: Iterable[tuple[str, Mapping[str, Iterable[str]]]],
) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    """One expression a code, its longest entries first."""
    for kind, codes in tables:
        for code, entries in codes.items():
            phrases = [_phrase(split(entry)) for entry in entries]
            if phrases:
                either = "|".join(sorted(phrases, key=len, reverse=True))
                yield kind, code, re.compile(f" (?:{either})(?= )")


def _phrase(words: list[str]) -> str:
    pattern = _pattern(words[0])
    for word in words[1:]:
        pattern += r"(?: [^ .,;:!?]+){0,2}" if word == ".." else " " + _pattern(word)
    return pattern


def _pattern(word: str) -> str:
    stem = re.escape(fold(word.strip("*")))
    return r"[^ ]*" * word.startswith("*") + stem + r"[^ ]*" * word.endswith("*")


def split(text: str) -> list[str]:
    """Words and punctuation as the tables see them: Italian elisions are two words ("l' acqua")."""
    return [match.group() for match in WORDS.finditer(text)]


def _offsets(words: tuple[str, ...]) -> Iterator[int]:
    offset = 1
    for word in words:
        yield offset
        offset += len(word) + 1


def _longest(found: Iterable[Hit]) -> list[Hit]:
    """Effects and impossible wishes compete for words ("waves" and "waves at"); so do camera moves."""
    kept: list[Hit] = []
    for hit in sorted(found, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not any(_rivals(hit, other) and _overlap(hit, other) for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)


def _rivals(hit: Hit, other: Hit) -> bool:
    wishes = {"effect", "camera", "impossible"}
    return hit.kind == other.kind or {hit.kind, other.kind} <= wishes


def _overlap(hit: Hit, other: Hit) -> bool:
    return hit.start < other.end and other.start < hit.end
