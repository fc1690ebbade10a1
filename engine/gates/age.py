"""Which age group the matrix assumes: a guess that only ever chooses a stricter row, and never refuses by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from engine.gates import Ruling
from engine.verdicts import AgeGroup, Allowed

GATE = "photo.age"

CHILD_BELOW = 14.0
"""In years, where the model itself also believes in a minor …"""
MINOR_SURE = 0.5
"""… with this chance: so that no adult with a round face is told that he is a child."""
MINOR_POSSIBLE = 0.1
"""From this chance on a face is not surely an adult's."""
_ORDER = (AgeGroup.ADULT, AgeGroup.YOUNG, AgeGroup.CHILD)


class Age(Protocol):
    """`years` is the expected age, `minor` the chance of being under 18, `clear` that the face is large."""

    @property
    def years(self) -> float: ...
    @property
    def minor(self) -> float: ...
    @property
    def clear(self) -> bool: ...


def youngest_group(ages: Iterable[Age | None], *, young_below: float) -> AgeGroup:
    """Of everybody shown. A face that is too small to tell counts as young."""
    groups = [_group(age, young_below) for age in ages]
    return max(groups, key=_ORDER.index, default=AgeGroup.ADULT)


def note_age(ages: Sequence[Age | None], group: AgeGroup) -> Ruling:
    """Always allows; the score is the greatest chance of a minor, 1 where a face cannot be told."""
    score = max((1.0 if age is None else age.minor for age in ages), default=0.0)
    return Ruling(Allowed(), 0.0 if group is AgeGroup.ADULT else min(1.0, score))


def _group(age: Age | None, young_below: float) -> AgeGroup:
    if age is None:
        return AgeGroup.YOUNG
    if age.clear and age.years < CHILD_BELOW and age.minor >= MINOR_SURE:
        return AgeGroup.CHILD
    return AgeGroup.YOUNG if age.years < young_below or age.minor >= MINOR_POSSIBLE else AgeGroup.ADULT
