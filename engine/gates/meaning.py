"""Refuses what a caption means, whatever its words: the trained head over the sentence encoder."""

from __future__ import annotations

from engine.classifiers.prompt_head import Meaning, PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.gates import Ruling
from engine.gates.caption import Caption
from engine.gates.concepts import Ask, Reading
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal, RestrictedTo

GATE = "prompt.meaning"

_LONG = 16
"""Words from which on a caption is also read in parts: one clause must not drown in a long description."""
_PART = 10
_CLAUSE_ENDS = ".,;:!?。，；！？،؛\n"


def read_meaning(
    caption: Caption, reading: Reading, *, encoder: SentenceEncoder, head: PromptHead
) -> Meaning:
    """Reads the caption with disguises undone: the raw ones mean nothing to the encoder, harmless or not."""
    return head.judge(encoder.embed(parts_of(caption.text.restored)), reading.groups)


def parts_of(text: str) -> list[str]:
    """The whole; where it is long, its clauses of five words and more too, long ones by ten words."""
    whole = text.split()
    if len(whole) < _LONG:
        return [text]
    clauses = text.translate({ord(c): "\n" for c in _CLAUSE_ENDS}).split("\n")
    words = [clause.split() for clause in clauses]
    parts = [part[i : i + _PART] for part in words for i in range(0, max(len(part) - 4, 1), _PART // 2)]
    return [text, *(" ".join(part) for part in parts if len(part) > 4)]


def uphold(reading: Reading, meaning: Meaning, head: PromptHead) -> Reading:
    """What is left of the rules where the meaning is plainly harmless: words alone are wrong about every twentieth idiom."""
    return reading if meaning.harm >= head.agree_at else reading.upheld()


def judge_meaning(
    meaning: Meaning, reading: Reading, *, head: PromptHead, presets: tuple[str, ...]
) -> Ruling:
    """Between the two thresholds: preset motions.

    A caption of weather, camera and light is spared the lower one, because presets are what it asks for anyway; one that
    names somebody famous too, because the rules of public figures say what they may do.
    """
    if meaning.harm >= head.refuse_at:
        return Ruling(Refusal(reason=meaning.reason, gate=GATE, score=meaning.harm), meaning.harm)
    spared = reading.asks == {Ask.GENTLE} or "public_figure" in reading.marks
    if meaning.harm >= head.unsure_at and not spared:
        verdict = RestrictedTo(reason=Reason.UNCLEAR_PROMPT, presets=presets, gate=GATE, score=meaning.harm)
        return Ruling(verdict, meaning.harm)
    return Ruling(Allowed(), meaning.harm)
