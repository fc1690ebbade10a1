"""What a job's end is called outside: outcomes made from what the ledger was given."""

from __future__ import annotations

from collections.abc import Sequence

from engine.media.clip import SignedClip
from engine.schema import Animated, JobRequest, Refused, Restricted, Stage
from engine.verdicts import Allowed, Decision, Refusal, RestrictedTo


def answer_at_the_door(
    request: JobRequest, answer: Refusal | RestrictedTo, decisions: Sequence[Decision]
) -> Refused | Restricted:
    kind = Restricted if isinstance(answer, RestrictedTo) else Refused
    return kind(
        job_id=request.job_id,
        reply_to=request.reply_to,
        stage=_stage_of(answer, decisions),
        reason=answer.reason,
        presets=answer.presets,
    )


def refused_clip(job_id: str, reply_to: str, refusal: Refusal) -> Refused:
    return Refused(
        job_id=job_id,
        reply_to=reply_to,
        stage=Stage.CLIP,
        reason=refusal.reason,
        presets=refusal.presets,
    )


def animated(job_id: str, reply_to: str, signed: SignedClip) -> Animated:
    labeled = signed.checked.labeled
    return Animated(
        job_id=job_id,
        reply_to=reply_to,
        clip_sha256=signed.sha256,
        size_bytes=signed.size_bytes,
        width=labeled.width,
        height=labeled.height,
        duration_seconds=labeled.duration_seconds,
        renderer=labeled.renderer,
        label=labeled.label,
        digital_source_type=labeled.digital_source_type,
        moved=labeled.made.moved,
        not_found=labeled.made.not_found,
        not_possible=labeled.made.not_possible,
        shows_people=signed.checked.screened.facts.shows_people,
        has_sound=labeled.has_sound,
        sounds=labeled.made.sounds,
        suggestions=labeled.made.suggestions,
    )


def _stage_of(answer: Refusal | RestrictedTo, decisions: Sequence[Decision]) -> Stage:
    """The place that decided: where this verdict fell, else where the last one that is no allowance did."""
    places = [it.stage for it in decisions if it.verdict == answer]
    places += [it.stage for it in reversed(decisions) if not isinstance(it.verdict, Allowed)]
    return places[0] if places else Stage.PROMPT
