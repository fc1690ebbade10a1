"""Refuses a photo that shows nudity."""

from __future__ import annotations

from engine.gates import Ruling
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal

GATE = "photo.nudity"


def refuse_nudity(score: float, *, refuse_at: float) -> Ruling:
    """`score` is open_nsfw's. What lies between "restrict" and "refuse" is the matrix's swimwear row."""
    if score >= refuse_at:
        return Ruling(Refusal(reason=Reason.SEXUAL, gate=GATE, score=score), score)
    return Ruling(Allowed(), score)
