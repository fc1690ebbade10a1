"""Judges what is written in a photo as if it were asked for: a video model follows words drawn into its first frame.

Words alone refuse, as in a caption. What a longer text asks for joins the caption's columns in the matrix; a single word on a
shirt or a sign instructs nobody and joins nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.classifiers.languages import LanguageGuesser
from engine.classifiers.prompt_head import PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.gates import ALLOWED, Ruling
from engine.gates.caption import read_caption
from engine.gates.concepts import Reading, read_concepts
from engine.gates.meaning import uphold
from engine.schema import MAX_PROMPT_CHARACTERS
from engine.verdicts import Refusal

GATE = "photo.written"

INSTRUCTION_WORDS = 3
_LETTERS = re.compile(r"[^\W\d_]")


@dataclass(frozen=True, slots=True)
class Written:
    """The lines of a photo, read as one text. `reading` is empty where there is nothing to read."""

    text: str = ""
    reading: Reading = field(default_factory=Reading)

    @property
    def joins(self) -> bool:
        """Long enough to be an instruction."""
        return sum(1 for word in self.text.split() if _LETTERS.search(word)) >= INSTRUCTION_WORDS


def read_written(lines: Sequence[str], *, locale: str, guesser: LanguageGuesser) -> Written:
    text = " ".join(lines)[:MAX_PROMPT_CHARACTERS]
    if not _LETTERS.search(text):
        return Written(text=text)
    return Written(text=text, reading=read_concepts(read_caption(text, locale=locale, guesser=guesser)))


def refuse_written(written: Written, *, encoder: SentenceEncoder | None, head: PromptHead) -> Ruling:
    """By the rules on concepts, then by meaning; never for being unclear, for most signs are."""
    if not written.text:
        return ALLOWED
    reading, harm = written.reading, 0.0
    if encoder is not None:
        sense = head.judge(encoder.embed([written.text]), reading.groups)
        reading, harm = uphold(reading, sense, head), sense.harm
        if written.joins and harm >= head.refuse_at:
            return Ruling(Refusal(reason=sense.reason, gate=GATE, score=harm), harm)
    grave = next((rule.reason for rule in reading.rules if rule.reason), None)
    if grave is not None:
        return Ruling(Refusal(reason=grave, gate=GATE), 1.0)
    return Ruling(ALLOWED.verdict, harm)
