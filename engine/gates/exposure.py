"""Stops a clip that shows more skin than its photo did."""

from __future__ import annotations

from collections.abc import Sequence

from engine.gates import Ruling
from engine.schema import Reason
from engine.verdicts import Allowed, Remake

GATE = "clip.exposure"

RISE = 0.3
LEAST = 0.5
FRAMES = 2
"""One bad frame never decides."""


def remake_exposure(frame_scores: Sequence[float], *, photo_score: float) -> Ruling:
    """`frame_scores` are open_nsfw's for the sampled frames, in order."""
    bad = [score for score in frame_scores if score >= LEAST and score >= photo_score + RISE]
    highest = max(frame_scores, default=0.0)
    if len(bad) >= FRAMES:
        return Ruling(Remake(reason=Reason.SEXUAL, gate=GATE, score=highest), highest)
    return Ruling(Allowed(), highest)
