"""What a judge's word changes: it makes a doubt stricter or lifts it, and never overrules a rule.

This runs in the engine process, after the gates: it reads their decisions and imports none of their models.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from engine.schema import Reason, Stage
from engine.verdicts import Allowed, Decision, Held, PhotoFacts, Refusal, RestrictedTo, Screened, Verdict

GATE = "prompt.judge"
MEANING, UNDERSTOOD = "prompt.meaning", "prompt.understood"
"""The gates whose doubts a judge may settle."""

DOUBT_FROM = 0.1
"""Harm from which on a caption is undecided."""
REFUSE_AT = 0.5
LIFT_BELOW = 0.1
AGREE_FROM, LIKELY_FROM = 0.2, 0.3
"""A judge this sure of a caption whose harm is likely refuses it too: two weak witnesses."""


def is_undecided(decisions: Sequence[Decision]) -> bool:
    """Nothing refused, and either the meaning is in doubt or nobody here reads the language."""
    if any(isinstance(it.verdict, Refusal) for it in decisions):
        return False
    unread = any(it.gate == UNDERSTOOD and isinstance(it.verdict, RestrictedTo) for it in decisions)
    return unread or any(it.gate == MEANING and it.score >= DOUBT_FROM for it in decisions)


def hear_judge(screened: Screened, score: float, *, milliseconds: float) -> Screened:
    """What the gates said, with the judge's word. `score` is 0..1; a doubt of the meaning is lifted where the judge has none.

    A language that nobody here reads keeps its preset motions: a judge that reads it refuses, but opens nothing.
    """
    verdict = _word(score, screened.decisions)
    decision = Decision(
        stage=Stage.PROMPT,
        gate=GATE,
        verdict=verdict,
        score=score,
        policy_version=screened.decisions[0].policy_version,
        milliseconds=milliseconds,
    )
    standing = [it.verdict for it in screened.decisions if not (score < LIFT_BELOW and _is_doubt(it))]
    return msgspec.structs.replace(
        screened,
        verdict=verdict if isinstance(verdict, Refusal) else _strictest(standing),
        decisions=(*screened.decisions, decision),
    )


def _word(score: float, decisions: Sequence[Decision]) -> Verdict:
    likely = any(it.gate == MEANING and it.score >= LIKELY_FROM for it in decisions)
    if score >= REFUSE_AT or (likely and score >= AGREE_FROM):
        return Refusal(reason=Reason.UNCLEAR_PROMPT, gate=GATE, score=score)
    return Allowed()


def _is_doubt(decision: Decision) -> bool:
    return decision.gate == MEANING and isinstance(decision.verdict, RestrictedTo)


def _strictest(verdicts: Sequence[Verdict]) -> Verdict:
    """Of what stands where nothing was refused."""
    held = next((it for it in verdicts if isinstance(it, Held)), None)
    return held or next((it for it in verdicts if isinstance(it, RestrictedTo)), Allowed())


def photo_in_words(facts: PhotoFacts) -> str:
    """What a judge is told of the photo."""
    count = len(facts.faces)
    people = {0: "no face to be seen", 1: "one person"}.get(count, f"{count} people")
    return f"{people}, perhaps little clothing" if facts.nsfw >= _SUGGESTIVE else people


_SUGGESTIVE = 0.2
