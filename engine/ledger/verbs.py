"""The verbs of the queue, as SQL on the writing connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_never

import msgspec

from engine.errors import Busy, Conflict, Fault, NotFound, QuotaExceeded
from engine.ledger.records import Erased, Job, Limits
from engine.media.clip import SignedClip
from engine.schema import (
    Animated,
    Canceled,
    Failed,
    FailureCause,
    JobRequest,
    JobStatus,
    Outcome,
    Refused,
    Restricted,
    Stage,
)
from engine.verdicts import Decision, PhotoFacts, Refusal, RestrictedTo

MAX_CRASHES = 2
"""A worker that died under a job twice buries it: a poison photo cannot loop."""

MAX_STARTS = 5
"""Starts in all, engine restarts included: a job that takes the whole engine down cannot loop either."""

VIRTUAL_COST = 1000
"""Virtual time that one job costs its requester in start-time fair queueing."""

OPEN = "status IN ('queued', 'running', 'held')"
"""A constant of ours: the statements below that carry it hold no value of anybody else."""


class Verbs:
    """The verbs of the queue, on the writing connection; each is called inside a transaction."""

    def __init__(self, connection: Any, *, limits: Limits, now: Callable[[], int]) -> None:
        self.connection = connection
        self.limits = limits
        self.now = now
        self.epoch = 0

    def _one(self, sql: str, values: Sequence[object] = ()) -> Any:
        return self.connection.execute(sql, values).fetchone()

    def _event(self, job_id: str, kind: str, body: object = None) -> None:
        text = None if body is None else msgspec.json.encode(body).decode()
        self.connection.execute(
            "INSERT INTO events(job_id, kind, body, at) VALUES (?, ?, ?, ?)", (job_id, kind, text, self.now())
        )

    def boot(self) -> list[str]:
        """A new epoch; jobs that an earlier one was running go back into the queue. Returns their ids."""
        self.connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
        self.epoch = self._one("SELECT value FROM meta WHERE name = 'epoch'")[0]
        left = self.connection.execute(
            "SELECT id FROM jobs WHERE status = 'running' AND epoch < ?", (self.epoch,)
        ).fetchall()
        for (job_id,) in left:
            self._put_back(job_id, crashed=False, why="engine restart")
        return [job_id for (job_id,) in left]

    def record_answer(
        self, request: JobRequest, digest: str, answer: Refusal | RestrictedTo, decisions: Sequence[Decision]
    ) -> Refused | Restricted:
        """A refusal at the door: kept, so that a retry gets the same answer; not told again in the feed."""
        outcome = _door_outcome(request, answer, stage=_stage_of(decisions))
        self.connection.execute(
            "INSERT INTO jobs(id, digest, requester, reply_to, status, accepted, outcome, created_at, ended_at) "
            "VALUES (?, ?, ?, ?, 'refused', 0, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
            (
                request.job_id,
                digest,
                request.requester,
                request.reply_to,
                msgspec.json.encode(outcome).decode(),
                self.now(),
                self.now(),
            ),
        )
        self._decisions(request.job_id, decisions)
        return outcome

    def accept(
        self,
        request: JobRequest,
        digest: str,
        photo: str,
        facts: PhotoFacts,
        decisions: Sequence[Decision],
        seed: int,
    ) -> bool:
        """Queue the job; False when it is known already. Raises Conflict, Busy or QuotaExceeded."""
        known = self._one("SELECT digest FROM jobs WHERE id = ?", (request.job_id,))
        if known:
            if known[0] != digest:
                raise Conflict(request.job_id)
            return False
        self.admit(request.requester)
        self.connection.execute(
            "INSERT INTO requesters(requester) VALUES (?) ON CONFLICT DO NOTHING", (request.requester,)
        )
        (mine,) = self._one("SELECT virtual_time FROM requesters WHERE requester = ?", (request.requester,))
        (clock,) = self._one("SELECT value FROM meta WHERE name = 'virtual_clock'")
        start = max(mine, clock)
        self.connection.execute(
            "INSERT INTO jobs(id, digest, requester, reply_to, request, photo, facts, seed, status, accepted, "
            "virtual_start, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', 1, ?, ?)",
            (
                request.job_id,
                digest,
                request.requester,
                request.reply_to,
                msgspec.json.encode(request).decode(),
                photo,
                msgspec.json.encode(facts).decode(),
                seed,
                start,
                self.now(),
            ),
        )
        self.connection.execute(
            "UPDATE requesters SET virtual_time = ?, queued = queued + 1 WHERE requester = ?",
            (start + VIRTUAL_COST, request.requester),
        )
        self._depth(+1)
        self._decisions(request.job_id, decisions)
        self._event(request.job_id, "queued")
        return True

    def admit(self, requester: str) -> None:
        """Raises Busy or QuotaExceeded when this requester's next job would not be taken now."""
        (depth,) = self._one("SELECT value FROM meta WHERE name = 'depth'")
        if depth >= self.limits.depth:
            raise Busy(30.0)
        row = self._one("SELECT queued FROM requesters WHERE requester = ?", (requester,))
        if row and row[0] >= self.limits.queued_per_requester:
            raise QuotaExceeded(30.0)

    def claim(self) -> Job | None:
        """The next job in fair order whose requester may run one more, or None."""
        row = self._one(
            "SELECT j.id, j.requester, j.request, j.virtual_start, j.starts, j.photo, j.facts, j.seed FROM jobs j "
            "JOIN requesters r USING (requester) WHERE j.status = 'queued' AND r.running < ? "
            "ORDER BY j.virtual_start, j.number LIMIT 1",
            (self.limits.running_per_requester,),
        )
        if row is None:
            return None
        job_id, requester, request, start, starts, photo, facts, seed = row
        self.connection.execute(
            "UPDATE jobs SET status = 'running', starts = starts + 1, epoch = ?, started_at = ? WHERE id = ?",
            (self.epoch, self.now(), job_id),
        )
        self.connection.execute(
            "UPDATE requesters SET queued = queued - 1, running = running + 1 WHERE requester = ?",
            (requester,),
        )
        self._depth(-1)
        self.connection.execute(
            "UPDATE meta SET value = max(value, ?) WHERE name = 'virtual_clock'", (start,)
        )
        self._event(job_id, "started", {"attempt": starts + 1})
        return Job(
            request=msgspec.json.decode(request, type=JobRequest),
            attempt=starts + 1,
            photo=photo,
            facts=msgspec.json.decode(facts, type=PhotoFacts),
            seed=seed,
        )

    def finish(
        self, job_id: str, attempt: int, end: SignedClip | Refusal | Fault, decisions: Sequence[Decision] = ()
    ) -> JobStatus | None:
        """End a running attempt; None when it is not the current one. An acknowledged cancel beats a late result.

        A Fault that is not final puts the job back: `WorkerDied` and `WorkerHung` once, anything else at once final.
        """
        row = self._running(job_id, attempt)
        if row is None:
            return None
        self._decisions(job_id, decisions)
        if row["cancel"]:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=row["reply_to"]))
        match end:
            case SignedClip():
                self.connection.execute(
                    "UPDATE jobs SET clip = ?, manifest = ?, policy_version = ? WHERE id = ?",
                    (end.sha256, end.manifest, _policy_of(decisions), job_id),
                )
                return self._end(job_id, JobStatus.ANIMATED, _animated(job_id, row["reply_to"], end))
            case Refusal():
                outcome = Refused(
                    job_id=job_id,
                    reply_to=row["reply_to"],
                    stage=Stage.CLIP,
                    reason=end.reason,
                    presets=end.presets,
                )
                return self._end(job_id, JobStatus.REFUSED, outcome)
            case Fault():
                if end.cause in {FailureCause.WORKER_DIED, FailureCause.TIMED_OUT}:
                    return self._put_back(job_id, crashed=True, why=end.cause.value, cause=end.cause)
                outcome_failed = Failed(job_id=job_id, reply_to=row["reply_to"], cause=end.cause)
                return self._end(job_id, JobStatus.FAILED, outcome_failed)
        assert_never(end)

    def requeue(self, job_id: str, attempt: int, *, why: str) -> JobStatus | None:
        """Put a running attempt back without blame: the engine stops, or a check could not be made right now."""
        if self._running(job_id, attempt) is None:
            return None
        return self._put_back(job_id, crashed=False, why=why)

    def canceled(self, job_id: str, attempt: int) -> JobStatus | None:
        """The worker let go of a canceled job."""
        row = self._running(job_id, attempt)
        if row is None:
            return None
        return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=row["reply_to"]))

    def cancel(self, job_id: str) -> JobStatus:
        """Queued: ended at once. Running: marked; the attempt can no longer end as anything else. Raises NotFound."""
        row = self._one("SELECT status, requester, reply_to FROM jobs WHERE id = ?", (job_id,))
        if row is None:
            raise NotFound(job_id)
        status = JobStatus(row[0])
        if status is JobStatus.QUEUED:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=row[2]))
        if status is JobStatus.RUNNING:
            self.connection.execute("UPDATE jobs SET cancel = 1 WHERE id = ?", (job_id,))
        return status

    def acknowledge(self, job_id: str) -> None:
        """The outcome reached the person. Idempotent. Raises NotFound."""
        if self._one("SELECT 1 FROM jobs WHERE id = ?", (job_id,)) is None:
            raise NotFound(job_id)
        self.connection.execute(
            "UPDATE jobs SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL", (self.now(), job_id)
        )

    def report(self, job_id: str, reporter: str) -> None:
        """A reported clip is not shared again until an operator decides. Raises NotFound."""
        if self._one("SELECT 1 FROM jobs WHERE id = ? AND status = 'animated'", (job_id,)) is None:
            raise NotFound(job_id)
        self.connection.execute("UPDATE jobs SET reported = reported + 1 WHERE id = ?", (job_id,))
        self._event(job_id, "reported", {"reporter": reporter})

    def record_decisions(self, job_id: str, decisions: Sequence[Decision]) -> None:
        self._decisions(job_id, decisions)

    def erase(self, requester: str) -> Erased:
        """Remove a requester: open jobs are canceled, every row, event and clip goes."""
        open_jobs = self.connection.execute(
            f"SELECT id, status FROM jobs WHERE requester = ? AND {OPEN}", (requester,)
        ).fetchall()
        for job_id, _ in open_jobs:
            self.cancel(job_id)
        rows = self.connection.execute(
            "SELECT id, clip, photo FROM jobs WHERE requester = ? AND status != 'running'", (requester,)
        ).fetchall()
        for job_id, _, _ in rows:
            self.connection.execute("DELETE FROM events WHERE job_id = ? AND kind != 'outcome'", (job_id,))
            self.connection.execute(
                "UPDATE jobs SET request = NULL, facts = '{}', requester = 'erased', clip = NULL, photo = NULL, "
                "manifest = NULL WHERE id = ?",
                (job_id,),
            )
        self.connection.execute(
            "DELETE FROM requesters WHERE requester = ? AND running = 0 AND queued = 0", (requester,)
        )
        return Erased(
            jobs=len(rows),
            clips=tuple(clip for _, clip, _ in rows if clip),
            photos=tuple(photo for _, _, photo in rows if photo),
        )

    def sweep(self, *, clip_ms: int, prompt_ms: int, id_ms: int) -> tuple[str, ...]:
        """Forget what is past its time. Returns clips whose files may go."""
        now = self.now()
        clips = self.connection.execute(
            "SELECT clip FROM jobs WHERE clip IS NOT NULL AND ended_at < ?", (now - clip_ms,)
        ).fetchall()
        self.connection.execute("UPDATE jobs SET clip = NULL WHERE ended_at < ?", (now - clip_ms,))
        self.connection.execute("UPDATE jobs SET request = NULL WHERE ended_at < ?", (now - prompt_ms,))
        self.connection.execute(
            "DELETE FROM events WHERE job_id IN (SELECT id FROM jobs WHERE ended_at < ?)", (now - id_ms,)
        )
        self.connection.execute("DELETE FROM jobs WHERE ended_at < ?", (now - id_ms,))
        self.connection.execute(
            "DELETE FROM requesters WHERE queued = 0 AND running = 0 AND requester NOT IN (SELECT requester FROM jobs)"
        )
        return tuple(clip for (clip,) in clips)

    def check(self) -> list[str]:
        """The invariants that do not hold; empty when all is well. For tests, after every fault."""
        broken = []
        if self._one("PRAGMA integrity_check")[0] != "ok":
            broken.append("integrity")
        counted = self._one("SELECT count(*) FROM jobs WHERE status = 'queued'")[0]
        if self._one("SELECT value FROM meta WHERE name = 'depth'")[0] != counted:
            broken.append("depth")
        if self._one(
            "SELECT count(*) FROM requesters r WHERE "
            "queued != (SELECT count(*) FROM jobs j WHERE j.requester = r.requester AND status = 'queued') OR "
            "running != (SELECT count(*) FROM jobs j WHERE j.requester = r.requester AND status = 'running')"
        )[0]:
            broken.append("requester counters")
        if self._one(
            "SELECT count(*) FROM (SELECT job_id FROM events WHERE kind = 'outcome' GROUP BY job_id HAVING count(*) > 1)"
        )[0]:
            broken.append("two outcomes")
        if self._one(
            f"SELECT count(*) FROM jobs WHERE accepted AND NOT ({OPEN}) AND id NOT IN "
            "(SELECT job_id FROM events WHERE kind = 'outcome')"
        )[0]:
            broken.append("ended without an outcome")
        return broken

    def _running(self, job_id: str, attempt: int) -> dict[str, Any] | None:
        row = self._one(
            "SELECT reply_to, cancel FROM jobs WHERE id = ? AND status = 'running' AND starts = ? AND epoch = ?",
            (job_id, attempt, self.epoch),
        )
        return None if row is None else {"reply_to": row[0], "cancel": bool(row[1])}

    def _put_back(
        self, job_id: str, *, crashed: bool, why: str, cause: FailureCause = FailureCause.WORKER_DIED
    ) -> JobStatus:
        starts, crashes, cancel, requester, reply_to = self._one(
            "SELECT starts, crashes, cancel, requester, reply_to FROM jobs WHERE id = ?", (job_id,)
        )
        crashes += crashed
        self.connection.execute("UPDATE jobs SET crashes = ? WHERE id = ?", (crashes, job_id))
        if cancel:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=reply_to))
        if crashes >= MAX_CRASHES or starts >= MAX_STARTS:
            return self._end(job_id, JobStatus.FAILED, Failed(job_id=job_id, reply_to=reply_to, cause=cause))
        self.connection.execute("UPDATE jobs SET status = 'queued' WHERE id = ?", (job_id,))
        self.connection.execute(
            "UPDATE requesters SET running = running - 1, queued = queued + 1 WHERE requester = ?",
            (requester,),
        )
        self._depth(+1)
        self._event(job_id, "requeued", {"why": why})
        return JobStatus.QUEUED

    def _end(self, job_id: str, status: JobStatus, outcome: Outcome) -> JobStatus:
        before, requester = self._one("SELECT status, requester FROM jobs WHERE id = ?", (job_id,))
        column = "queued" if before == "queued" else "running"
        text = msgspec.json.encode(outcome).decode()
        self.connection.execute(
            "UPDATE jobs SET status = ?, outcome = ?, ended_at = ? WHERE id = ?",
            (status.value, text, self.now(), job_id),
        )
        self.connection.execute(
            f"UPDATE requesters SET {column} = {column} - 1 WHERE requester = ?", (requester,)
        )
        if before == "queued":
            self._depth(-1)
        self._event(job_id, "outcome", outcome)
        return status

    def _depth(self, change: int) -> None:
        self.connection.execute("UPDATE meta SET value = value + ? WHERE name = 'depth'", (change,))

    def _decisions(self, job_id: str, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            self._event(job_id, "decision", decision)


def _door_outcome(
    request: JobRequest, answer: Refusal | RestrictedTo, *, stage: Stage
) -> Refused | Restricted:
    if isinstance(answer, RestrictedTo):
        return Restricted(
            job_id=request.job_id,
            reply_to=request.reply_to,
            stage=stage,
            reason=answer.reason,
            presets=answer.presets,
        )
    return Refused(
        job_id=request.job_id,
        reply_to=request.reply_to,
        stage=stage,
        reason=answer.reason,
        presets=answer.presets,
    )


def _stage_of(decisions: Sequence[Decision]) -> Stage:
    """The place that decided: where the strictest verdict fell, which is the last one that is not an allowance."""
    for decision in reversed(decisions):
        if isinstance(decision.verdict, Refusal | RestrictedTo):
            return decision.stage
    return Stage.PROMPT


def _policy_of(decisions: Sequence[Decision]) -> str:
    return decisions[-1].policy_version if decisions else ""


def _animated(job_id: str, reply_to: str, signed: SignedClip) -> Animated:
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
    )
