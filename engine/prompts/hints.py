"""What a caption asks for in words that no table knows: a trained head over the sentence encoder, clause by clause.

The lexicon comes first. Only a clause in which it found nothing is asked about, never one with a negation in it: to the
encoder "no snow" means nearly what "snow" means.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.classifiers.caption_head import CaptionHead
from engine.classifiers.sentences import SentenceEncoder
from engine.prompts.reading import Reading, read

_CLAUSES = 3
"""No more are looked at: each takes 4 ms."""
_LEAST_LETTERS = 4
_SILENT = frozenset({"small", "strength", "speed", "joint"})
"""Kinds of words that leave a clause as unread as it was."""


def find_hints(prompt: str, *, locale: str, encoder: SentenceEncoder, head: CaptionHead) -> tuple[str, ...]:
    """Codes that `parse_prompt` takes beside the prompt; `@` stands before a camera move."""
    clauses = list(unread_clauses(read(prompt, locale=locale)))[:_CLAUSES]
    return head.judge(encoder.embed(clauses)) if clauses else ()


def unread_clauses(reading: Reading) -> Iterator[str]:
    """The clauses of a caption in which the tables found nothing, and no negation."""
    start = 0
    for number in range(len(reading.roles) + 1):
        if number == len(reading.roles) or reading.ends_clause(number):
            if clause := _unread(reading, start, number):
                yield clause
            start = number + 1


def _unread(reading: Reading, start: int, end: int) -> str:
    kinds = {kind for number in range(start, end) for kind, _ in reading.roles[number]}
    if start == end or kinds - _SILENT:
        return ""
    clause = reading.caption.text[reading.caption.spans[start][0] : reading.caption.spans[end - 1][1]]
    return clause if sum(letter.isalpha() for letter in clause) >= _LEAST_LETTERS else ""
