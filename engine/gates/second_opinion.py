"""Refuses what an optional model that looks at pictures is sure about; it can only ever add a refusal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from engine.gates import ALLOWED, Ruling
from engine.schema import Reason
from engine.verdicts import Refusal


class Opinion(Protocol):
    @property
    def reason(self) -> Reason: ...
    @property
    def score(self) -> float: ...


def refuse_opinions(opinions: Iterable[Opinion], *, gate: str, refuse_at: float) -> Ruling:
    """For the rule that the model is surest about."""
    surest = max(opinions, key=lambda opinion: opinion.score, default=None)
    if surest is None:
        return ALLOWED
    if surest.score >= refuse_at:
        return Ruling(Refusal(reason=surest.reason, gate=gate, score=surest.score), surest.score)
    return Ruling(ALLOWED.verdict, surest.score)
