"""What was decided at one place, gate by gate, and the strictest of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from engine.gates import Ruling
from engine.schema import Stage
from engine.verdicts import (
    Allowed,
    Decision,
    Held,
    PhotoFacts,
    Refusal,
    Remake,
    RestrictedTo,
    Screened,
    Verdict,
)


@dataclass(slots=True)
class Docket:
    """The decisions of one place, as they fall. With `every`, gates go on speaking after a refusal."""

    policy_version: str
    every: bool = False
    decisions: list[Decision] = field(default_factory=list)

    def hear(self, stage: Stage, gate: str, rule: Callable[[], Ruling]) -> Ruling:
        started = time.perf_counter()
        ruling = rule()
        took = (time.perf_counter() - started) * 1000
        self.decisions.append(
            Decision(
                stage=stage,
                gate=gate,
                verdict=ruling.verdict,
                score=ruling.score,
                policy_version=self.policy_version,
                milliseconds=took,
            )
        )
        return ruling

    @property
    def closed(self) -> bool:
        """Somebody refused, and nobody wants to hear the others."""
        return not self.every and any(isinstance(decision.verdict, Refusal) for decision in self.decisions)

    def close(self, facts: PhotoFacts) -> Screened:
        verdicts = [decision.verdict for decision in self.decisions]
        strictest = max(verdicts, key=strictness, default=Allowed())
        return Screened(verdict=strictest, decisions=tuple(self.decisions), facts=facts)


def strictness(verdict: Verdict) -> int:
    """The order of verdicts; of two that are equally strict the first one counts."""
    match verdict:
        case Allowed():
            return 0
        case RestrictedTo():
            return 1
        case Held():
            return 2
        case Remake():
            return 3
        case Refusal():
            return 4
    assert_never(verdict)
