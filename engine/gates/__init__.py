"""One rule a module, over facts that classifiers found. `engine.policy` says which run, in which order.

A gate is a plain function (or a frozen value with one method) that takes facts and answers a `Ruling`. It opens
nothing, keeps nothing and never guesses: what it cannot compute it raises, and the caller treats that as a fault.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.verdicts import Allowed, Verdict


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a gate says and the figure behind it, 0..1, also where it allows."""

    verdict: Verdict
    score: float = 0.0


ALLOWED = Ruling(Allowed())
