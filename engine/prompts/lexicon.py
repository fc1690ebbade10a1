"""The lexicon: which words of a language ask for what, all languages found in one pass over a caption.

An entry of a table is a word or a phrase, as a person writes it; accents and case do not matter. `*` at the end of a
word stands for any ending ("snowflake*"), at its beginning for any beginning ("*nebel"); `..` stands for up to three
words ("camera .. still"). The longest entry wins where several fit ("zoom out" over "zoom"). Scripts without spaces
are read character by character, so their entries need no `*`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import NamedTuple

from engine.prompts.normalise import fold
from engine.prompts.tables import FOLDER, Table, read_table

EMOJI = {
    "❄": ["snow"], "☃": ["snow"], "⛄": ["snow"], "🌨": ["snow"], "🌧": ["rain"], "☔": ["rain"], "🌫": ["fog"],
    "🌅": ["golden_hour"], "🌇": ["golden_hour"], "🌄": ["golden_hour"], "☀": ["sun_rays"], "🌞": ["sun_rays"],
    "🌙": ["night"], "🌃": ["night"], "🌌": ["night"], "☁": ["sky_drift"], "🌊": ["water"], "🎉": ["confetti"],
    "🎊": ["confetti"], "🍂": ["leaves"], "🍁": ["leaves"], "🌸": ["petals"], "🔥": ["flicker"], "🕯": ["flicker"],
    "⚡": ["lightning"], "🌩": ["lightning"], "⛈": ["rain", "lightning"], "🌬": ["sway"], "🎈": ["balloons"],
}  # fmt: skip
"""What an emoji asks for, in every language. Hearts and faces are left out: people send them without a wish."""

_UNSPACED = r"\u3005\u3040-\u30ff\u3400-\u9fff"
_MARKS = r"[\u0300-\u036f\u064b-\u0652\u0670\u0900-\u0903\u093a-\u094f\u0962\u0963\u200c\u200d]"
WORDS = re.compile(
    r"(?<!\w)(?:l|d|un|dell|all|nell|sull|dall|quest|nessun|qu|c|s|n|j|m|t)['\u2019](?=\w)"
    rf"|[{_UNSPACED}]"
    rf"|\*?(?:[^\W{_UNSPACED}]|{_MARKS})+(?:['\u2019](?:[^\W{_UNSPACED}]|{_MARKS})+)*['\u2019]?\*?"
    rf"|\.\.|[{''.join(EMOJI)}]|[.,;:!?()\n\u2026&\u2013\u2014，！？；：（）、。،؛؟।]",
    re.IGNORECASE,
)
"""An elided article, a Han character or kana, a word (with its apostrophes, and the tables' `*`), an emoji, or a mark
that parts clauses."""

LINGUA_FRANCA = "en"
EVERYWHERE = "*"
"""The language of emoji."""

_SAME = str.maketrans({"\u06cc": "\u064a", "\u06a9": "\u0643", "\u093c": None, "\u0901": "\u0902"})
"""Persian and Arabic yeh and kaf, nukta, and the two nasal dots of Hindi are typed for each other."""

_RIVALS = {"camera": "effect", "impossible": "effect", "decoy": "effect"}
"""Kinds that compete for words with another: "waves" the effect, "waves at" the act."""


class Hit(NamedTuple):
    """Words `start` to `end` (exclusive) of a caption mean `code` of `kind`."""

    kind: str
    code: str
    start: int
    end: int


_Found = tuple[int, int, Hit]
"""A hit after what it is ranked by: fewer words last, then fewer letters."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What is to be known of one language besides its entries. `common` are folded words."""

    language: str
    common: frozenset[str]
    effects: frozenset[str]
    cameras: frozenset[str]
    heard: frozenset[str]
    reach: int
    reach_after: int


class _Entry(NamedTuple):
    """`rest` are the words after the first: None for a gap, else (stem, open beginning, open ending).

    Of two entries for the same words the one with more letters says more: `letters` breaks the tie. `last` is the
    last word where that is a whole one: a caption without it need not be searched for the phrase.
    """

    language: str
    kind: str
    code: str
    gap: int
    letters: int
    last: str
    rest: tuple[tuple[str, bool, bool] | None, ...]


@dataclass(frozen=True, slots=True)
class Index:
    """All entries by their first word. `pairs` are phrases by their first two, where those are whole words."""

    whole: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    pairs: dict[tuple[str, str], list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    stems: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    endings: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))
    insides: dict[str, list[_Entry]] = field(default_factory=lambda: defaultdict(list))

    def find(self, words: Sequence[str]) -> dict[str, list[Hit]]:
        """All hits in folded words by language; of rivals that overlap only the longest is kept."""
        found: dict[str, list[_Found]] = defaultdict(list)
        known: dict[str, list[_Entry]] = {}
        present = {*words, ""}
        for start, word in enumerate(words):
            if word not in known:
                known[word] = [entry for entry in self._beginning_with(word) if entry.last in present]
            for entry in known[word]:
                end = _end(entry, words, start + 1) if entry.rest else start + 1
                if end:
                    found[entry.language].append(
                        (start - end, -entry.letters, Hit(entry.kind, entry.code, start, end))
                    )
            pair = self.pairs.get((word, words[start + 1])) if start + 1 < len(words) else None
            for entry in pair or ():
                if entry.last in present and (end := _end(entry, words, start + 2)):
                    found[entry.language].append(
                        (start - end, -entry.letters, Hit(entry.kind, entry.code, start, end))
                    )
        everywhere = found.pop(EVERYWHERE, [])
        if everywhere and not found:
            found[LINGUA_FRANCA] = []
        return {language: _longest(hits + everywhere, len(words)) for language, hits in found.items()}

    def add(self, table: Table, kind: str, code: str, entry: str) -> None:
        first, *others = [_parse(word) for word in split(entry)]
        if first is None:
            raise ValueError(f"{table.language}: {entry!r} begins with a gap")
        stem, beginning, ending = first
        final = others[-1] if others else None
        last = final[0] if final and not any(final[1:]) else ""
        made = _Entry(table.language, kind, code, table.gap, _letters(entry), last, tuple(others))
        if beginning and ending:
            self.insides[stem].append(made)
        elif beginning:
            self.endings[stem].append(made)
        clitics = (
            () if kind == "joint" else table.clitics
        )  # "and" comes first: الوادي is the valley, and joins nothing
        for spelling in (stem, *(fold_word(clitic) + stem for clitic in clitics)):
            if ending and not beginning:
                self.stems[spelling].append(made)
            elif not beginning and others and others[0] and not any(others[0][1:]):
                self.pairs[spelling, others[0][0]].append(made._replace(rest=made.rest[1:]))
            elif not beginning:
                self.whole[spelling].append(made)

    def _beginning_with(self, word: str) -> Iterator[_Entry]:
        yield from self.whole.get(word, ())
        for length in range(1, len(word) + 1):
            yield from self.stems.get(word[:length], ())
            yield from self.endings.get(word[-length:], ())
        for stem, entries in self.insides.items():
            if stem in word:
                yield from entries


@cache
def load_lexicons() -> dict[str, Lexicon]:
    """Every language that has a table."""
    return {table.language: _lexicon(table) for table in map(read_table, sorted(FOLDER.glob("*.toml")))}


@cache
def load_index() -> Index:
    """The entries of every table, and the emoji."""
    index = Index()
    for path in sorted(FOLDER.glob("*.toml")):
        table = read_table(path)
        for kind, code, entry in table.entries():
            index.add(table, kind, code, entry)
    for emoji, codes in EMOJI.items():
        index.whole[emoji] += [_Entry(EVERYWHERE, "effect", code, 0, 1, "", ()) for code in codes]
    return index


def _lexicon(table: Table) -> Lexicon:
    return Lexicon(
        language=table.language,
        common=frozenset(map(fold_word, table.common)),
        effects=frozenset(table.effects),
        cameras=frozenset(table.camera),
        heard=frozenset(table.sound.heard),
        reach=table.grammar.reach,
        reach_after=table.grammar.reach_after,
    )


def split(text: str) -> list[str]:
    """Words and punctuation as the tables see them: elisions are two words ("l' acqua")."""
    return [match.group() for match in WORDS.finditer(text)]


@lru_cache(maxsize=4096)
def fold_word(word: str) -> str:
    """As words of captions and tables are compared."""
    return fold(word.replace("\u2019", "'")).translate(_SAME)


def _parse(word: str) -> tuple[str, bool, bool] | None:
    if word == "..":
        return None
    return fold_word(word.strip("*")), word.startswith("*"), len(word) > 1 and word.endswith("*")


def _letters(entry: str) -> int:
    """Twice as many as there are; one more where nothing is open, so that a whole word beats its own stem."""
    return 2 * len(entry.replace("*", "")) + ("*" not in entry)


def _end(entry: _Entry, words: Sequence[str], position: int) -> int:
    """Where a phrase that began before `position` ends; 0 where its other words do not follow."""
    return _match(entry.rest, entry.gap, words, position)


def _match(
    rest: Sequence[tuple[str, bool, bool] | None], gap: int, words: Sequence[str], position: int
) -> int:
    for number, wanted in enumerate(rest):
        if wanted is None:
            return _match_after_gap(rest[number + 1 :], gap, words, position)
        if position >= len(words) or not _fits(words[position], wanted):
            return 0
        position += 1
    return position


def _match_after_gap(
    rest: Sequence[tuple[str, bool, bool] | None], gap: int, words: Sequence[str], position: int
) -> int:
    for start in range(position, min(position + gap + 1, len(words))):
        if end := _match(rest, gap, words, start):
            return end
        if words[start] in PARTING:
            return 0
    return 0


def _fits(word: str, wanted: tuple[str, bool, bool]) -> bool:
    stem, beginning, ending = wanted
    if not beginning:
        return word.startswith(stem) if ending else word == stem
    return stem in word if ending else word.endswith(stem)


PARTING = frozenset([*".,;:!?()\n…–—、。،؛؟।", "..", "..."])
"""What ends a clause."""


def _longest(found: Iterable[_Found], size: int) -> list[Hit]:
    taken: dict[str, bytearray] = defaultdict(lambda: bytearray(size))
    kept: list[Hit] = []
    for _, _, hit in sorted(dict.fromkeys(found), key=lambda one: one[:2]):
        places = taken[_RIVALS.get(hit.kind, hit.kind)]
        if not any(places[hit.start : hit.end]):
            places[hit.start : hit.end] = b"\1" * (hit.end - hit.start)
            kept.append(hit)
    return sorted(kept, key=lambda hit: hit.start)
