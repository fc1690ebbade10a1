"""What the ledger promises: acceptance, fairness, fenced attempts, outcomes, forgetting."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.errors import (
    Busy,
    ConfigError,
    Conflict,
    DayQuotaExceeded,
    Fault,
    GroupQuotaExceeded,
    MachineLost,
    NotFound,
    QuotaExceeded,
    WorkerDied,
)
from engine.ledger import Ledger, Limits
from engine.schema import (
    Animated,
    Canceled,
    Failed,
    FailureCause,
    JobRequest,
    JobStatus,
    Reason,
    Refused,
    Stage,
)
from engine.verdicts import Decision, Refusal
from tests.unit.engine.ledger.conftest import Clock, a_decision, a_request, a_signed_clip, queue


async def claim(ledger: Ledger):
    return await ledger.write(lambda verbs: verbs.claim())


async def test_a_job_is_queued_claimed_and_animated(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request()

    await queue(ledger, request)
    job = await claim(ledger)
    clip = a_signed_clip(tmp_path)
    status = await ledger.write(lambda verbs: verbs.finish(job.request.job_id, job.attempt, clip))

    assert job.request == request
    assert status is JobStatus.ANIMATED
    (told,) = ledger.outcomes(0).outcomes
    assert isinstance(told.outcome, Animated)
    assert told.outcome.reply_to == request.reply_to
    assert ledger.row(request.job_id).clip == clip.sha256


async def test_a_repeated_request_is_the_same_job(ledger: Ledger) -> None:
    request = a_request()

    assert await queue(ledger, request)
    assert not await queue(ledger, request)

    assert ledger.counts() == (1, 0)


async def test_the_same_id_with_other_content_is_a_conflict(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    with pytest.raises(Conflict):
        await ledger.write(lambda verbs: verbs.accept(request, "other", "p", a_facts(), (), 1))


def a_facts():
    from engine.verdicts import PhotoFacts

    return PhotoFacts()


async def test_one_requester_cannot_fill_the_queue(ledger: Ledger) -> None:
    for _ in range(4):
        await queue(ledger, a_request("ann-hash"))

    with pytest.raises(QuotaExceeded):
        await queue(ledger, a_request("ann-hash"))
    assert await queue(ledger, a_request("bob-hash"))


async def test_a_lost_machine_does_not_bury_a_job_but_five_starts_do(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    ends = []
    for _ in range(5):
        job = await claim(ledger)
        ends.append(
            await ledger.write(
                lambda verbs, job=job: verbs.finish(request.job_id, job.attempt, MachineLost())
            )
        )

    assert ends == [JobStatus.QUEUED] * 4 + [JobStatus.FAILED]


async def test_one_group_cannot_fill_the_queue(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(depth=10, queued_per_requester=4, running_per_requester=2, queued_per_group=2)
    async with Ledger(tmp_path / "engine.sqlite", limits=limits, now=clock) as ledger:
        for number in range(2):
            await queue(ledger, in_group(f"person-{number}"))

        with pytest.raises(GroupQuotaExceeded):
            await queue(ledger, in_group("person-3"))
        assert await queue(ledger, a_request("person-3"))
        await claim(ledger)
        assert await queue(ledger, in_group("person-3"))


async def test_one_person_has_so_many_a_day(tmp_path: Path, clock: Clock) -> None:
    limits = Limits(depth=10, queued_per_requester=4, running_per_requester=2, per_day=2)
    async with Ledger(tmp_path / "engine.sqlite", limits=limits, now=clock) as ledger:
        await queue(ledger, a_request("ann-hash"))
        clock.seconds += 3600
        await queue(ledger, a_request("ann-hash"))

        with pytest.raises(DayQuotaExceeded) as told:
            ledger.admit("ann-hash")
        clock.seconds += told.value.retry_after_seconds
        assert await queue(ledger, a_request("ann-hash"))

    assert told.value.retry_after_seconds == 23 * 3600


def in_group(requester: str) -> JobRequest:
    return msgspec.structs.replace(a_request(requester), group="a-group-of-friends")


async def test_a_full_queue_takes_nobody(ledger: Ledger) -> None:
    for number in range(10):
        await queue(ledger, a_request(f"person-{number}"))

    with pytest.raises(Busy):
        await queue(ledger, a_request("one-more"))
    with pytest.raises(Busy):
        ledger.admit("one-more")


async def test_turns_alternate_between_requesters(ledger: Ledger) -> None:
    for requester in ("ann-hash", "ann-hash", "ann-hash", "bob-hash", "bob-hash"):
        await queue(ledger, a_request(requester))

    order = [(await claim(ledger)).request.requester for _ in range(4)]

    assert order == ["ann-hash", "bob-hash", "ann-hash", "bob-hash"]


async def test_nobody_runs_more_than_the_limit(ledger: Ledger) -> None:
    for _ in range(3):
        await queue(ledger, a_request("ann-hash"))

    claimed = [await claim(ledger) for _ in range(3)]

    assert [job is not None for job in claimed] == [True, True, False]


async def test_places_count_those_ahead(ledger: Ledger) -> None:
    first, second = a_request("ann-hash"), a_request("bob-hash")
    await queue(ledger, first)
    await queue(ledger, second)

    assert (ledger.row(first.job_id).ahead, ledger.row(second.job_id).ahead) == (0, 1)


async def test_a_second_death_of_the_worker_buries_the_job(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    first = await claim(ledger)
    status = await ledger.write(lambda verbs: verbs.finish(request.job_id, first.attempt, WorkerDied()))
    second = await claim(ledger)
    buried = await ledger.write(lambda verbs: verbs.finish(request.job_id, second.attempt, WorkerDied()))

    assert (status, buried) == (JobStatus.QUEUED, JobStatus.FAILED)
    (told,) = ledger.outcomes(0).outcomes
    assert isinstance(told.outcome, Failed)
    assert told.outcome.cause is FailureCause.WORKER_DIED


async def test_any_other_fault_is_final_at_once(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)
    job = await claim(ledger)

    status = await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, Fault()))

    assert status is JobStatus.FAILED


async def test_a_late_result_of_a_lost_attempt_changes_nothing(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request()
    await queue(ledger, request)
    lost = await claim(ledger)
    await ledger.write(lambda verbs: verbs.finish(request.job_id, lost.attempt, WorkerDied()))
    await claim(ledger)

    late = await ledger.write(
        lambda verbs: verbs.finish(request.job_id, lost.attempt, a_signed_clip(tmp_path))
    )

    assert late is None
    assert ledger.row(request.job_id).status is JobStatus.RUNNING


async def test_a_start_puts_back_what_an_earlier_one_was_running(opened: Callable[[], Ledger]) -> None:
    request = a_request()
    async with opened() as before:
        await queue(before, request)
        await claim(before)

    async with opened() as after:
        assert after.put_back == [request.job_id]
        assert (await claim(after)).attempt == 2
        assert await after.write(lambda verbs: verbs.check()) == []


async def test_a_job_that_takes_the_engine_down_is_buried_in_the_end(opened: Callable[[], Ledger]) -> None:
    request = a_request()
    async with opened() as first:
        await queue(first, request)
    for _ in range(5):
        async with opened() as ledger:
            await claim(ledger)

    async with opened() as last:
        assert last.row(request.job_id).status is JobStatus.FAILED


async def test_an_acknowledged_cancel_beats_a_late_result(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request()
    await queue(ledger, request)
    job = await claim(ledger)

    assert await ledger.write(lambda verbs: verbs.cancel(request.job_id)) is JobStatus.RUNNING
    status = await ledger.write(
        lambda verbs: verbs.finish(request.job_id, job.attempt, a_signed_clip(tmp_path))
    )

    assert status is JobStatus.CANCELED
    assert isinstance(ledger.outcomes(0).outcomes[0].outcome, Canceled)


async def test_a_queued_job_is_canceled_at_once_and_only_once(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    for _ in range(2):
        assert await ledger.write(lambda verbs: verbs.cancel(request.job_id)) is JobStatus.CANCELED

    assert len(ledger.outcomes(0).outcomes) == 1
    with pytest.raises(NotFound):
        await ledger.write(lambda verbs: verbs.cancel("00000000-0000-4000-8000-ffffffffffff"))


async def test_a_refusal_at_the_door_is_kept_but_not_told_again(ledger: Ledger) -> None:
    request = a_request()
    refusal = Refusal(reason=Reason.VIOLENCE, gate="concepts", score=1.0)
    decision = Decision(stage=Stage.PROMPT, gate="concepts", verdict=refusal, score=1.0, policy_version="1")

    answer = await ledger.write(lambda verbs: verbs.record_answer(request, "digest", refusal, (decision,)))

    assert answer == Refused(
        job_id=request.job_id, reply_to=request.reply_to, stage=Stage.PROMPT, reason=Reason.VIOLENCE
    )
    assert ledger.row(request.job_id).outcome == answer
    assert ledger.outcomes(0).outcomes == ()
    assert ledger.decisions(request.job_id) == [decision]


async def test_the_feed_goes_on_after_the_cursor(ledger: Ledger) -> None:
    for number in range(3):
        request = a_request(f"person-{number}")
        await queue(ledger, request)
        await ledger.write(lambda verbs, job_id=request.job_id: verbs.cancel(job_id))

    first, *rest = ledger.outcomes(0).outcomes

    assert ledger.outcomes(first.sequence).outcomes == tuple(rest)


async def test_one_bad_write_does_not_spoil_its_neighbours(ledger: Ledger) -> None:
    good, missing = a_request(), "00000000-0000-4000-8000-ffffffffffff"

    done = await asyncio.gather(
        queue(ledger, good),
        ledger.write(lambda verbs: verbs.cancel(missing)),
        return_exceptions=True,
    )

    assert done[0] is True
    assert isinstance(done[1], NotFound)
    assert ledger.counts() == (1, 0)


async def test_a_reported_clip_is_marked(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request()
    await queue(ledger, request)
    job = await claim(ledger)
    await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, a_signed_clip(tmp_path)))

    await ledger.write(lambda verbs: verbs.report(request.job_id, "somebody"))

    assert ledger.row(request.job_id).reported


async def test_everything_of_a_person_is_erased(ledger: Ledger, tmp_path: Path) -> None:
    done, waiting, other = a_request("ann-hash"), a_request("ann-hash"), a_request("bob-hash")
    await queue(ledger, done)
    job = await claim(ledger)
    await ledger.write(lambda verbs: verbs.finish(done.job_id, job.attempt, a_signed_clip(tmp_path)))
    await queue(ledger, waiting)
    await queue(ledger, other)

    erased = await ledger.write(lambda verbs: verbs.erase("ann-hash"))

    assert (erased.jobs, erased.clips) == (2, ("b" * 64,))
    assert ledger.stored("ann-hash") == (0, 0)
    assert ledger.row(other.job_id).status is JobStatus.QUEUED


async def test_clips_texts_and_ids_are_forgotten_in_their_time(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    request = a_request()
    await queue(ledger, request)
    job = await claim(ledger)
    await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, a_signed_clip(tmp_path)))

    clock.seconds += 2
    clips = await ledger.write(lambda verbs: verbs.sweep(clip_ms=1000, prompt_ms=1000, id_ms=10_000))
    kept = ledger.row(request.job_id)
    clock.seconds += 10
    await ledger.write(lambda verbs: verbs.sweep(clip_ms=1000, prompt_ms=1000, id_ms=10_000))

    assert clips == ("b" * 64,)
    assert kept.clip is None
    assert ledger.row(request.job_id) is None


async def test_a_second_engine_is_refused_in_one_sentence(
    opened: Callable[[], Ledger], ledger: Ledger
) -> None:
    with pytest.raises(ConfigError, match="another engine already runs on this data folder"):
        async with opened():
            pass


async def test_a_newer_file_is_refused(opened: Callable[[], Ledger], tmp_path: Path) -> None:
    async with opened():
        pass
    with sqlite3.connect(tmp_path / "engine.sqlite") as newer:
        newer.execute(
            "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES ('engine', 'm999_later', 'now')"
        )

    with pytest.raises(ConfigError, match="newer Zoetrope"):
        async with opened():
            pass


async def test_a_damaged_file_is_not_served_from(opened: Callable[[], Ledger], tmp_path: Path) -> None:
    path = tmp_path / "engine.sqlite"
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)

    with pytest.raises(ConfigError, match="engine restore"):
        async with opened():
            pass


async def test_the_file_is_for_its_owner_only(ledger: Ledger, tmp_path: Path) -> None:
    assert (tmp_path / "engine.sqlite").stat().st_mode & 0o077 == 0


async def test_decisions_are_kept_with_gate_reason_score_and_version(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    assert ledger.decisions(request.job_id) == [a_decision()]
