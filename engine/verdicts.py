"""What a gate may say, as values: a refusal is an answer, never an exception."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from engine.schema import Reason, Stage


class Allowed(msgspec.Struct, frozen=True, tag_field="type", tag="allowed"):
    """Nothing speaks against it."""


class RestrictedTo(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="restricted"):
    """Only these preset motions are on offer."""

    reason: Reason
    presets: tuple[str, ...]
    gate: str
    score: float = 1.0


class Held(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="held"):
    """A person decides."""

    reason: Reason
    gate: str
    score: float = 1.0


class Remake(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="remake"):
    """The clip came out wrong: once more with another seed, free of charge."""

    reason: Reason
    gate: str
    score: float = 1.0


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="refusal"):
    """A rule says no."""

    reason: Reason
    gate: str
    score: float = 1.0
    presets: tuple[str, ...] = ()


Verdict = Allowed | RestrictedTo | Held | Remake | Refusal


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """One gate's verdict as the ledger records it: who said what, how sure, under which policy."""

    stage: Stage
    gate: str
    verdict: Verdict
    score: float
    policy_version: str
    milliseconds: float = 0.0


class Face(msgspec.Struct, frozen=True, kw_only=True):
    """A face in pixels of the upright photo: left, top, width, height; detector score 0..1."""

    x: float
    y: float
    width: float
    height: float
    score: float


class AgeGroup(StrEnum):
    """How old the youngest of the people shown looks; a guess that may only make things stricter."""

    UNREAD = "unread"
    ADULT = "adult"
    YOUNG = "young"
    CHILD = "child"


class PhotoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate child saw; the clip gate and the renderer are judged against it.

    `hints` are effects and camera moves that the caption asks for in words of no table: only that child has the encoder.
    `written`: text that could be an instruction is in the photo. `suits_strict`: the strict profile allowed it too.
    """

    faces: tuple[Face, ...] = ()
    nsfw: float = 0.0
    hints: tuple[str, ...] = ()
    age: AgeGroup = AgeGroup.UNREAD
    swimwear: bool = False
    written: bool = False
    document: bool = False
    suits_strict: bool = False

    @property
    def shows_people(self) -> bool:
        return bool(self.faces)


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one place: the strictest verdict, every decision behind it, and the photo's facts."""

    verdict: Verdict
    decisions: tuple[Decision, ...]
    facts: PhotoFacts = PhotoFacts()
