"""The ledger's plain values: limits, a claimed job, a job as it stands."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from engine.schema import JobRequest, JobStatus, Outcome
from engine.verdicts import PhotoFacts


@dataclass(frozen=True, slots=True)
class Limits:
    """Admission: jobs in the queue, of one requester queued, running and in 24 hours, of one group queued; 0 is no limit.

    After `refusals` within `refusals_minutes` nothing is taken from that requester for so long.
    """

    depth: int
    queued_per_requester: int
    running_per_requester: int
    queued_per_group: int = 0
    per_day: int = 0
    refusals: int = 0
    refusals_minutes: float = 10.0


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed job. `attempt` is the fencing token of this start."""

    request: JobRequest
    attempt: int
    photo: str
    facts: PhotoFacts
    seed: int


class JobRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stands. `ahead` counts queued jobs that are claimed before it; None unless queued."""

    job_id: str
    requester: str
    digest: str
    reply_to: str
    status: JobStatus
    accepted: bool
    starts: int = 0
    ahead: int | None = None
    outcome: Outcome | None = None
    clip: str | None = None
    facts: PhotoFacts = PhotoFacts()
    policy_version: str = ""
    reported: bool = False
    removed: bool = False
    cancel: bool = False


class KnownClip(msgspec.Struct, frozen=True, kw_only=True):
    """What may be said of a clip that was made here. `made_at` is Unix milliseconds, `manifest` what was signed."""

    made_at: int
    renderer: str
    digital_source_type: str
    manifest: bytes


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """What an erasure removed from the table, and the files that are to be removed now."""

    jobs: int
    clips: tuple[str, ...]
    photos: tuple[str, ...]
