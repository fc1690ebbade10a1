"""Refuses what a caption means, whatever its words: the trained head over the sentence encoder."""

from __future__ import annotations

from engine.classifiers.prompt_head import PromptHead
from engine.classifiers.sentences import SentenceEncoder
from engine.gates import Ruling
from engine.gates.caption import Caption
from engine.gates.concepts import Ask, Reading
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal, RestrictedTo

GATE = "prompt.meaning"


def judge_meaning(
    caption: Caption,
    reading: Reading,
    *,
    encoder: SentenceEncoder,
    head: PromptHead,
    presets: tuple[str, ...],
) -> Ruling:
    """Reads the caption with disguises undone: the raw ones mean nothing to the encoder, harmless or not.

    Between the two thresholds: preset motions. A caption of weather, camera and light is spared the lower one,
    because presets are what it asks for anyway.
    """
    meaning = head.judge(encoder.embed([caption.text.restored]))
    if meaning.harm >= head.refuse_at:
        return Ruling(Refusal(reason=meaning.reason, gate=GATE, score=meaning.harm), meaning.harm)
    if meaning.harm >= head.unsure_at and reading.asks != {Ask.GENTLE}:
        verdict = RestrictedTo(reason=Reason.UNCLEAR_PROMPT, presets=presets, gate=GATE, score=meaning.harm)
        return Ruling(verdict, meaning.harm)
    return Ruling(Allowed(), meaning.harm)
