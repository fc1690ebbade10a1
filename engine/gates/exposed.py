"""Refuses a photo in which NudeNet sees nudity and open_nsfw does not disagree; an option (AGPL-3.0)."""

from __future__ import annotations

from collections.abc import Mapping

from engine.gates import Ruling
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal

GATE = "photo.exposed"

HARD = (
    "female_genitalia_exposed",
    "male_genitalia_exposed",
    "anus_exposed",
    "female_breast_exposed",
    "buttocks_exposed",
)
COVERED = (
    "female_breast_covered",
    "female_genitalia_covered",
    "buttocks_covered",
    "anus_covered",
    "male_breast_exposed",
)

LEAST = 0.45
"""Alone it refuses one in 324 ordinary pictures, seen on the mirrored one too (moderation notes, 6)."""
SURE = 0.7
DOUBT = 0.2
"""open_nsfw at least this, or NudeNet as sure as `SURE`."""
SUGGESTIVE = 0.6

Parts = Mapping[str, float]


def refuse_exposed(parts: Parts, mirrored: Parts, *, nsfw: float) -> Ruling:
    """`parts` and `mirrored` are the best scores of each class in the photo and in its mirror image."""
    score = max(min(parts[name], mirrored[name]) for name in HARD)
    if score >= LEAST and (nsfw >= DOUBT or score >= SURE):
        return Ruling(Refusal(reason=Reason.SEXUAL, gate=GATE, score=score), score)
    return Ruling(Allowed(), score)


def shows_swimwear(parts: Parts) -> bool:
    """The matrix's swimwear row begins here too."""
    return max(parts[name] for name in COVERED) >= SUGGESTIVE
