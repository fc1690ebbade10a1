"""Finds the words of concepts in a caption, from tables: `words_<language>.toml` beside this file.

A table maps a group ("weapon") to patterns. In a pattern `*` ends a stem ("shoot*"), and `..` lets up to three words
pass ("take* .. off"). Each word of the caption is looked up by its stems once, so that reading is linear in it.
"""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from engine.prompts.normalise import fold, split_words

_GAP = ".."
_LONGEST_GAP = 3

Words = Sequence[Sequence[str]]
"""A caption as `Normalised.words`: for each place the spellings that it may have."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A group's pattern stands at the words `start` to `end` (exclusive)."""

    group: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Pattern:
    group: str
    parts: tuple[str, ...]


class Wordbook:
    """The concept words of one language."""

    def __init__(self, groups: Mapping[str, Iterable[str]]) -> None:
        self.groups = frozenset(groups)
        self._by_start: dict[str, list[_Pattern]] = defaultdict(list)
        for group, patterns in groups.items():
            for parts in {parts for pattern in patterns for parts in _spellings(pattern)}:
                self._by_start[parts[0]].append(_Pattern(group, parts))

    def find(self, words: Words) -> tuple[Hit, ...]:
        """Every place where a pattern stands."""
        return tuple(
            Hit(pattern.group, start, end)
            for start, spellings in enumerate(words)
            for pattern in self._starting(spellings)
            if (end := _match(pattern.parts[1:], words, start + 1)) is not None
        )

    def _starting(self, spellings: Sequence[str]) -> Iterator[_Pattern]:
        for spelling in spellings:
            yield from self._by_start.get(spelling, ())
            for length in range(1, len(spelling) + 1):
                yield from self._by_start.get(spelling[:length] + "*", ())


def _spellings(pattern: str) -> Iterator[tuple[str, ...]]:
    """Persian writes "می بوسد" with a space or with an invisible joint, which normalising takes away."""
    yield _read_pattern(pattern)
    if " " in pattern and _GAP not in pattern and "\u0600" <= pattern[0] <= "\u06ff":
        yield _read_pattern(pattern.replace(" ", ""))


def _read_pattern(pattern: str) -> tuple[str, ...]:
    """A pattern in its parts, folded as captions are; Han and kana come as single characters."""
    return tuple(part for chunk in pattern.split() for part in _read_chunk(chunk))


def _read_chunk(chunk: str) -> Iterator[str]:
    if chunk == _GAP:
        yield chunk
        return
    words = split_words(fold(chunk.removesuffix("*")))
    yield from words[:-1]
    yield words[-1] + ("*" if chunk.endswith("*") else "")


def _match(parts: tuple[str, ...], words: Words, at: int) -> int | None:
    """Where the pattern ends when its `parts` stand from `at` on; None where they do not."""
    if not parts:
        return at
    if parts[0] == _GAP:
        ends = (_match(parts[1:], words, at + gap) for gap in range(_LONGEST_GAP + 1))
        return next((end for end in ends if end is not None), None)
    if at < len(words) and any(_fits(parts[0], spelling) for spelling in words[at]):
        return _match(parts[1:], words, at + 1)
    return None


def _fits(part: str, word: str) -> bool:
    return word.startswith(part[:-1]) if part.endswith("*") else word == part


@cache
def wordbook(language: str) -> Wordbook | None:
    """The language's table, read once; None where there is none."""
    path = files("engine.gates").joinpath(f"words_{language}.toml")
    if not path.is_file():
        return None
    groups: dict[str, list[str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Wordbook(groups)


@cache
def wordbook_languages() -> tuple[str, ...]:
    """Languages that have a table."""
    names = (path.name for path in files("engine.gates").iterdir())
    return tuple(sorted(n[6:-5] for n in names if n.startswith("words_") and n.endswith(".toml")))
