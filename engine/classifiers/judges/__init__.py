"""Judges: language models that say whether a caption must be refused, behind one interface.

A judge sees the caption as data and answers with one constrained token or a fixed form; no free text of its ever leaves this
package. Which one runs is `[policy] judge`; it runs in a child of its own (`engine.juror`), never in the engine process.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

JudgeKind = Literal["none", "local", "qwen3guard", "llamaguard", "endpoint"]


LOCAL_MODEL = "judge"
"""The local judge's name in `engine/models.toml`."""


class JudgeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which judge, and what it needs: `model` is a file, a folder or a name at `url`, `key_file` holds the key for there."""

    kind: JudgeKind
    model: str = ""
    url: str = ""
    key_file: str = ""
    seconds: float = 10.0


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="asked"):
    """A caption and what is known of its photo, in words ("two people")."""

    caption: str
    language: str
    photo: str


class CaptionJudge(Protocol):
    """One loaded judge. Not for two threads at once."""

    def score(self, asked: Asked) -> float:
        """How surely the caption must be refused, 0..1. Raises JudgeUnclear where the answer is none."""


class JudgeUnclear(Exception):
    """The judge answered something else than it was asked for."""
