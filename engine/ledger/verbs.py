"""The verbs of the queue, as SQL on the writing connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, assert_never

import msgspec

from engine.errors import (
    Busy,
    Conflict,
    DayQuotaExceeded,
    Fault,
    GroupQuotaExceeded,
    MachineLost,
    NotFound,
    QuotaExceeded,
)
from engine.ledger.operators import Operators
from engine.ledger.records import Erased, Job
from engine.ledger.statements import OPEN
from engine.ledger.told import animated, answer_at_the_door, refused_clip
from engine.media.clip import SignedClip
from engine.schema import (
    Canceled,
    Failed,
    FailureCause,
    JobRequest,
    JobStatus,
    Outcome,
    Refused,
    Restricted,
)
from engine.verdicts import Decision, PhotoFacts, Refusal, RestrictedTo

MAX_CRASHES = 2
"""A worker that died under a job twice buries it: a poison photo cannot loop."""

MAX_STARTS = 5
"""Starts in all, engine restarts included: a job that takes the whole engine down cannot loop either."""

VIRTUAL_COST = 1000
"""Virtual time that one job costs its requester in start-time fair queueing."""

NEXT = (
    "FROM jobs j JOIN requesters r USING (requester) WHERE j.status = 'queued' AND r.running < ? "
    "ORDER BY j.virtual_start, j.number LIMIT 1"
)
"""The job whose turn it is: the fair order, without those whose requester runs as many as one may."""

DAY_MS = 86_400_000

ERASED = "erased"
"""Stands in the rows of a requester who is forgotten; shorter than any real one."""


class _Attempt(NamedTuple):
    reply_to: str
    cancel: bool


class Verbs(Operators):
    """The verbs of the queue, on the writing connection; each is called inside a transaction."""

    def boot(self) -> list[str]:
        """A new epoch; jobs that an earlier one was running go back into the queue. Returns their ids."""
        self._do("UPDATE meta SET value = value + 1 WHERE name = 'epoch'")
        (self.epoch,) = self._one("SELECT value FROM meta WHERE name = 'epoch'")
        left = self._all("SELECT id FROM jobs WHERE status = 'running' AND epoch < ?", (self.epoch,))
        for (job_id,) in left:
            self._put_back(job_id, why="engine restart")
        return [job_id for (job_id,) in left]

    def record_answer(
        self, request: JobRequest, digest: str, answer: Refusal | RestrictedTo, decisions: Sequence[Decision]
    ) -> Refused | Restricted:
        """A refusal at the door: kept, so that a retry gets the same answer; not told again in the feed.

        Raises Conflict when the id is known.
        """
        outcome = answer_at_the_door(request, answer, decisions)
        inserted = self._do(
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
        if not inserted:
            raise Conflict("this job id is known already")
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
                raise Conflict("this job id is known with other content")
            return False
        self.admit(request.requester, request.group)
        self._do(
            "INSERT INTO jobs(id, digest, requester, reply_to, request, photo, facts, seed, status, accepted, "
            "virtual_start, created_at, group_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', 1, ?, ?, ?)",
            (
                request.job_id,
                digest,
                request.requester,
                request.reply_to,
                msgspec.json.encode(request).decode(),
                photo,
                msgspec.json.encode(facts).decode(),
                seed,
                self._take_turn(request.requester),
                self.now(),
                request.group,
            ),
        )
        self._change_depth(+1)
        self._decisions(request.job_id, decisions)
        self._event(request.job_id, "queued")
        return True

    def admit(self, requester: str | None, group: str | None = None) -> None:
        """Raises Busy or QuotaExceeded when the next job of this requester, group or anybody would not be taken now."""
        (depth,) = self._one("SELECT value FROM meta WHERE name = 'depth'")
        if depth >= self.limits.depth:
            raise Busy(30.0)
        if requester is not None:
            self.admit_person(
                requester, refusals=self.limits.refusals, window_ms=int(self.limits.refusals_minutes * 60_000)
            )
        row = self._one("SELECT queued FROM requesters WHERE requester = ?", (requester,))
        if row and row[0] >= self.limits.queued_per_requester:
            raise QuotaExceeded(30.0)
        if group is not None and 0 < self.limits.queued_per_group <= self._queued_of_group(group):
            raise GroupQuotaExceeded(60.0)
        if requester is not None and self.limits.per_day:
            self._admit_today(requester)

    def claim(self) -> Job | None:
        """The next job in fair order whose requester may run one more, or None."""
        row = self._one(
            f"SELECT j.id, j.requester, j.request, j.virtual_start, j.starts, j.photo, j.facts, j.seed {NEXT}",
            (self.limits.running_per_requester,),
        )
        if row is None:
            return None
        job_id, requester, request, start, starts, photo, facts, seed = row
        self._do(
            "UPDATE jobs SET status = 'running', starts = starts + 1, epoch = ?, started_at = ? WHERE id = ?",
            (self.epoch, self.now(), job_id),
        )
        self._count(requester, queued=-1, running=+1)
        self._change_depth(-1)
        self._do("UPDATE meta SET value = max(value, ?) WHERE name = 'virtual_clock'", (start,))
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
        running = self._running(job_id, attempt)
        if running is None:
            return None
        self._decisions(job_id, decisions)
        if running.cancel:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=running.reply_to))
        match end:
            case SignedClip():
                self._do(
                    "UPDATE jobs SET clip = ?, manifest = ?, policy_version = ?, fingerprint = ? WHERE id = ?",
                    (
                        end.sha256,
                        end.manifest,
                        decisions[-1].policy_version if decisions else "",
                        end.fingerprint,
                        job_id,
                    ),
                )
                # The first of two clips with one number keeps it: in a million clips there are two with 0.2 %.
                self._do(
                    "UPDATE OR IGNORE jobs SET watermark = ? WHERE id = ?",
                    (end.checked.labeled.watermark, job_id),
                )
                return self._end(job_id, JobStatus.ANIMATED, animated(job_id, running.reply_to, end))
            case Refusal():
                return self._end(job_id, JobStatus.REFUSED, refused_clip(job_id, running.reply_to, end))
            case Fault():
                if end.cause in {FailureCause.WORKER_DIED, FailureCause.TIMED_OUT}:
                    if not isinstance(end, MachineLost):
                        self._do("UPDATE jobs SET crashes = crashes + 1 WHERE id = ?", (job_id,))
                    return self._put_back(job_id, why=end.cause.value, cause=end.cause)
                failed = Failed(job_id=job_id, reply_to=running.reply_to, cause=end.cause)
                return self._end(job_id, JobStatus.FAILED, failed)
        assert_never(end)

    def requeue(self, job_id: str, attempt: int, *, why: str) -> JobStatus | None:
        """Put a running attempt back without blame: the engine stops on purpose. It does not count as a start."""
        if self._running(job_id, attempt) is None:
            return None
        self._do("UPDATE jobs SET stops = stops + 1 WHERE id = ?", (job_id,))
        return self._put_back(job_id, why=why)

    def canceled(self, job_id: str, attempt: int) -> JobStatus | None:
        """The worker let go of a canceled job."""
        running = self._running(job_id, attempt)
        if running is None:
            return None
        return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=running.reply_to))

    def cancel(self, job_id: str) -> JobStatus:
        """Queued: ended at once. Running: marked; the attempt can no longer end as anything else. Raises NotFound."""
        row = self._one("SELECT status, reply_to FROM jobs WHERE id = ?", (job_id,))
        if row is None:
            raise NotFound("there is no such job")
        status = JobStatus(row[0])
        if status is JobStatus.QUEUED:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=row[1]))
        if status is JobStatus.RUNNING:
            self._do("UPDATE jobs SET cancel = 1 WHERE id = ?", (job_id,))
        return status

    def acknowledge(self, job_id: str) -> None:
        """The outcome reached the person. Idempotent. Raises NotFound."""
        if self._one("SELECT 1 FROM jobs WHERE id = ?", (job_id,)) is None:
            raise NotFound("there is no such job")
        if self._do(
            "UPDATE jobs SET delivered_at = ? WHERE id = ? AND delivered_at IS NULL", (self.now(), job_id)
        ):
            self._event(job_id, "delivered")

    def record_share(self, job_id: str, group: str, decisions: Sequence[Decision], *, allowed: bool) -> None:
        """Who may see it is decided; the decisions say why."""
        self._decisions(job_id, decisions)
        self._event(job_id, "shared" if allowed else "not_shared", {"group": group})

    def report(self, job_id: str, reporter: str, group: str | None = None) -> None:
        """A reported clip is not shared again until an operator decides. One report a person counts. Raises NotFound."""
        if self._one(
            "SELECT 1 FROM events WHERE job_id = ? AND kind = 'reported' AND json_extract(body, '$.reporter') = ?",
            (job_id, reporter),
        ):
            return
        if not self._do(
            "UPDATE jobs SET reported = reported + 1 WHERE id = ? AND status = 'animated'", (job_id,)
        ):
            raise NotFound("there is no such clip")
        self._event(job_id, "reported", {"reporter": reporter, "group": group})

    def erase(self, requester: str) -> Erased:
        """Forget a requester: open jobs are canceled; prompts, photos, clips, decisions and the name go.

        What stays until `id_ms` is a row without a person: that a job with this id ended, so that the feed and a
        late worker find what they expect.
        """
        for (job_id,) in self._all(f"SELECT id FROM jobs WHERE requester = ? AND {OPEN}", (requester,)):
            self.cancel(job_id)
        rows = self._all("SELECT id, clip, photo FROM jobs WHERE requester = ?", (requester,))
        mine = "SELECT id FROM jobs WHERE requester = ?"
        self._forget_words(mine, requester)
        self._do(f"DELETE FROM events WHERE kind != 'outcome' AND job_id IN ({mine})", (requester,))
        self._do(
            "UPDATE events SET body = json_remove(body, '$.reporter') "
            "WHERE kind = 'reported' AND json_extract(body, '$.reporter') = ?",
            (requester,),
        )
        self._do(
            "UPDATE jobs SET requester = ?, digest = '', request = NULL, facts = '{}', clip = NULL, photo = NULL, "
            "manifest = NULL, watermark = NULL, fingerprint = NULL, group_key = NULL WHERE requester = ?",
            (ERASED, requester),
        )
        self._do("DELETE FROM requesters WHERE requester = ?", (requester,))
        self.empty_log = True
        return Erased(
            jobs=len(rows),
            clips=tuple(clip for _, clip, _ in rows if clip),
            photos=tuple(photo for _, _, photo in rows if photo),
        )

    def _queued_of_group(self, group: str) -> int:
        (queued,) = self._one("SELECT count(*) FROM jobs WHERE group_key = ? AND status = 'queued'", (group,))
        return int(queued)

    def _admit_today(self, requester: str) -> None:
        """Raises DayQuotaExceeded until the oldest job of the last day is a day old."""
        since = self.now() - DAY_MS
        count, oldest = self._one(
            "SELECT count(*), min(created_at) FROM jobs WHERE requester = ? AND accepted AND created_at > ?",
            (requester, since),
        )
        if count >= self.limits.per_day:
            raise DayQuotaExceeded(max(1.0, (oldest - since) / 1000))

    def _take_turn(self, requester: str) -> int:
        """Start-time fair queueing: this job starts, in virtual time, where the requester's last one ends."""
        self._do("INSERT INTO requesters(requester) VALUES (?) ON CONFLICT DO NOTHING", (requester,))
        (mine,) = self._one("SELECT virtual_time FROM requesters WHERE requester = ?", (requester,))
        (clock,) = self._one("SELECT value FROM meta WHERE name = 'virtual_clock'")
        start: int = max(mine, clock)
        self._do(
            "UPDATE requesters SET virtual_time = ?, queued = queued + 1 WHERE requester = ?",
            (start + VIRTUAL_COST, requester),
        )
        return start

    def _running(self, job_id: str, attempt: int) -> _Attempt | None:
        """The compare of every compare-and-set: this attempt, of this engine's life, and still running."""
        row = self._one(
            "SELECT reply_to, cancel FROM jobs WHERE id = ? AND status = 'running' AND starts = ? AND epoch = ?",
            (job_id, attempt, self.epoch),
        )
        return None if row is None else _Attempt(row[0], bool(row[1]))

    def _put_back(
        self, job_id: str, *, why: str, cause: FailureCause = FailureCause.WORKER_DIED
    ) -> JobStatus:
        """Back into the queue, or to its end where it was canceled meanwhile or tried often enough."""
        starts, stops, crashes, cancel, requester, reply_to = self._one(
            "SELECT starts, stops, crashes, cancel, requester, reply_to FROM jobs WHERE id = ?", (job_id,)
        )
        if cancel:
            return self._end(job_id, JobStatus.CANCELED, Canceled(job_id=job_id, reply_to=reply_to))
        if crashes >= MAX_CRASHES or starts - stops >= MAX_STARTS:
            return self._end(job_id, JobStatus.FAILED, Failed(job_id=job_id, reply_to=reply_to, cause=cause))
        self._do("UPDATE jobs SET status = 'queued' WHERE id = ?", (job_id,))
        self._count(requester, queued=+1, running=-1)
        self._change_depth(+1)
        self._event(job_id, "requeued", {"why": why})
        return JobStatus.QUEUED

    def _end(self, job_id: str, status: JobStatus, outcome: Outcome) -> JobStatus:
        before, requester = self._one("SELECT status, requester FROM jobs WHERE id = ?", (job_id,))
        self._do(
            "UPDATE jobs SET status = ?, outcome = ?, ended_at = ? WHERE id = ?",
            (status.value, msgspec.json.encode(outcome).decode(), self.now(), job_id),
        )
        if before == "queued":
            self._count(requester, queued=-1)
            self._change_depth(-1)
        else:
            self._count(requester, running=-1)
        self._event(job_id, "outcome", outcome)
        return status

    def _count(self, requester: str, *, queued: int = 0, running: int = 0) -> None:
        self._do(
            "UPDATE requesters SET queued = queued + ?, running = running + ? WHERE requester = ?",
            (queued, running, requester),
        )

    def _change_depth(self, change: int) -> None:
        self._do("UPDATE meta SET value = value + ? WHERE name = 'depth'", (change,))
