"""What the ledger does to the disk, and what the disk may do to it: kills, no space, erasure, order."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import Busy, NotFound
from engine.ledger import Ledger, Limits
from engine.schema import JobStatus
from tests.unit.engine.ledger.conftest import Clock, a_request, a_signed_clip, queue

WRITER = """
    import asyncio, itertools, sys
    from pathlib import Path
    from engine.errors import WorkerDied
    from engine.ledger import Ledger, Limits
    from tests.unit.engine.ledger.conftest import a_signed_clip, queue
    from engine.schema import JobRequest

    async def work(path, start):
        limits = Limits(depth=10**6, queued_per_requester=10**6, running_per_requester=10**6)
        async with Ledger(path, limits=limits) as ledger:
            async def one(number):
                request = JobRequest(
                    job_id=f"00000000-0000-4000-8000-{number:012x}", prompt="snow", locale="en",
                    requester=f"person-{number % 7}", reply_to=f"reply-{number:08d}")
                await queue(ledger, request)
                print("queued", request.job_id, flush=True)
                job = await ledger.write(lambda verbs: verbs.claim())
                end = WorkerDied() if number % 3 == 0 else a_signed_clip(path)
                done = await ledger.write(lambda verbs: verbs.finish(job.request.job_id, job.attempt, end))
                print(done.value, job.request.job_id, flush=True)
            for first in itertools.count(start, 8):
                await asyncio.gather(*(one(number) for number in range(first, first + 8)))

    asyncio.run(work(Path(sys.argv[1]), int(sys.argv[2])))
"""


async def test_what_was_acknowledged_survives_a_kill_at_any_moment(
    opened: Callable[[], Ledger], tmp_path: Path
) -> None:
    script = tmp_path / "writer.py"
    script.write_text(textwrap.dedent(WRITER))
    told: dict[str, str] = {}

    for kill in range(4):
        said = start_and_kill(script, tmp_path / "engine.sqlite", start=kill * 100_000, lines=60 + 37 * kill)
        told |= said
        async with opened() as ledger:
            assert await ledger.write(lambda verbs: verbs.check()) == []
            for job_id, status in said.items():
                row = ledger.row(job_id)
                assert row is not None, "an acknowledged job is gone"
                assert status != "animated" or row.status is JobStatus.ANIMATED
            assert ledger.counts()[1] == 0, "what an earlier start was running is queued again"

    assert len(told) > 60


def start_and_kill(script: Path, ledger: Path, *, start: int, lines: int) -> dict[str, str]:
    """Run the writer until it has said so many lines, kill it, and return the last word on every job."""
    writer = subprocess.Popen(
        [sys.executable, str(script), str(ledger), str(start)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), "OPENBLAS_NUM_THREADS": "1"},
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline() for _ in range(lines)]
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.wait()
    words = [line.split() for line in said if line.endswith("\n")]
    return {job_id: status for status, job_id in words}


async def test_without_space_nothing_is_taken_and_nothing_breaks(ledger: Ledger) -> None:
    await queue(ledger, a_request("ann-hash"))
    (pages,) = await ledger.write(lambda verbs: verbs.connection.execute("PRAGMA page_count").fetchone())
    await ledger.write(lambda verbs: verbs.connection.execute(f"PRAGMA max_page_count={pages}").fetchone())
    refused = a_request("bob-hash")

    with pytest.raises(Busy):
        await ledger.write(lambda verbs: verbs._event(refused.job_id, "large", "x" * 100_000))
    await ledger.write(lambda verbs: verbs.connection.execute("PRAGMA max_page_count=100000").fetchone())

    assert ledger.history(refused.job_id) == []
    assert await queue(ledger, refused)


async def test_writes_of_one_moment_share_a_commit_and_keep_their_order(ledger: Ledger) -> None:
    requests = [a_request(f"person-{number}") for number in range(9)]

    await asyncio.gather(*(queue(ledger, request) for request in requests))

    assert [ledger.row(request.job_id).ahead for request in requests] == list(range(9))


async def test_a_closed_ledger_says_so(opened: Callable[[], Ledger]) -> None:
    async with opened() as ledger:
        pass

    with pytest.raises(RuntimeError, match="closed"):
        await ledger.write(lambda verbs: verbs.claim())


async def test_an_erased_prompt_is_nowhere_in_the_files(ledger: Ledger, tmp_path: Path) -> None:
    secret = "a sentence that nobody else would write"
    await queue(ledger, a_request("ann-hash", prompt=secret))
    await queue(ledger, a_request("bob-hash"))
    assert on_disk(tmp_path, secret.encode())

    await ledger.write(lambda verbs: verbs.erase("ann-hash"))

    assert not on_disk(tmp_path, secret.encode())


async def test_a_prompt_past_its_time_is_nowhere_in_the_files(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    secret = "a sentence that nobody else would write"
    await animate(ledger, a_request("ann-hash", prompt=secret), tmp_path)
    assert on_disk(tmp_path, secret.encode())

    clock.seconds += 2
    await ledger.write(lambda verbs: verbs.sweep(clip_ms=10**9, prompt_ms=1000, id_ms=10**9))

    assert not on_disk(tmp_path, secret.encode())


async def test_one_person_reports_a_clip_once(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request("ann-hash")
    await animate(ledger, request, tmp_path)

    for reporter in ("bob-hash", "bob-hash", "eve-hash"):
        await ledger.write(lambda verbs, reporter=reporter: verbs.report(request.job_id, reporter))

    assert ledger.history(request.job_id).count("reported") == 2


async def test_a_running_job_of_somebody_who_leaves_ends_without_a_trace(
    ledger: Ledger, tmp_path: Path
) -> None:
    request = a_request("ann-hash")
    await queue(ledger, request)
    job = await ledger.write(lambda verbs: verbs.claim())

    erased = await ledger.write(lambda verbs: verbs.erase("ann-hash"))
    late = await ledger.write(
        lambda verbs: verbs.finish(request.job_id, job.attempt, a_signed_clip(tmp_path))
    )

    assert erased.photos == (request.job_id,)
    assert late is JobStatus.CANCELED
    assert ledger.stored("ann-hash") == (0, 0)
    assert ledger.row(request.job_id).clip is None


async def test_who_reported_is_erased_with_the_person_but_the_report_stays(
    ledger: Ledger, tmp_path: Path
) -> None:
    request = a_request("ann-hash")
    await animate(ledger, request, tmp_path)
    await ledger.write(lambda verbs: verbs.report(request.job_id, "bob-hash"))

    await ledger.write(lambda verbs: verbs.erase("bob-hash"))

    assert ledger.row(request.job_id).reported
    assert not on_disk(tmp_path, b"bob-hash")


async def test_the_words_of_a_prompt_are_forgotten_everywhere_at_once(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    request = a_request()
    await animate(ledger, request, tmp_path, not_possible=("the dog sings",))
    assert ledger.outcomes(0).outcomes[0].outcome.not_possible == ("the dog sings",)

    clock.seconds += 2
    await ledger.write(lambda verbs: verbs.sweep(clip_ms=10**9, prompt_ms=1000, id_ms=10**9))

    assert ledger.outcomes(0).outcomes[0].outcome.not_possible == ()
    assert ledger.row(request.job_id).outcome.not_possible == ()
    assert ledger.row(request.job_id).clip is not None


async def test_a_start_after_a_stop_on_purpose_does_not_count(ledger: Ledger) -> None:
    request = a_request()
    await queue(ledger, request)

    for _ in range(7):
        job = await ledger.write(lambda verbs: verbs.claim())
        await ledger.write(lambda verbs, job=job: verbs.requeue(request.job_id, job.attempt, why="stop"))

    assert ledger.row(request.job_id).status is JobStatus.QUEUED


async def test_the_feed_of_a_new_ledger_goes_on_where_no_older_one_was(tmp_path: Path, clock: Clock) -> None:
    """Somebody deletes the engine's file and keeps the bot's: its cursor must not hide what comes."""
    last = 0
    for name in ("first", "second"):
        limits = Limits(depth=9, queued_per_requester=9, running_per_requester=9)
        async with Ledger(tmp_path / f"{name}.sqlite", limits=limits, now=clock) as ledger:
            request = a_request()
            await queue(ledger, request)
            await ledger.write(lambda verbs, job_id=request.job_id: verbs.cancel(job_id))
            (told,) = ledger.outcomes(last).outcomes
            last = told.sequence


async def test_delivery_is_an_event_once(ledger: Ledger, tmp_path: Path) -> None:
    request = a_request()
    await animate(ledger, request, tmp_path)

    for _ in range(2):
        await ledger.write(lambda verbs: verbs.acknowledge(request.job_id))

    assert ledger.history(request.job_id) == ["decision", "queued", "started", "outcome", "delivered"]
    with pytest.raises(NotFound):
        await ledger.write(lambda verbs: verbs.acknowledge("00000000-0000-4000-8000-ffffffffffff"))


async def test_recent_durations_and_what_could_be_claimed(
    ledger: Ledger, clock: Clock, tmp_path: Path
) -> None:
    assert not ledger.claimable()
    request = a_request()
    await queue(ledger, request)
    assert ledger.claimable()
    job = await ledger.write(lambda verbs: verbs.claim())
    clock.seconds += 7.5

    await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, a_signed_clip(tmp_path)))

    assert ledger.recent_seconds() == [7.5]
    assert not ledger.claimable()


def on_disk(folder: Path, words: bytes) -> bool:
    """In the database, its write-ahead log, or its index."""
    return any(words in path.read_bytes() for path in folder.glob("engine.sqlite*"))


async def animate(ledger: Ledger, request, folder: Path, *, not_possible: tuple[str, ...] = ()) -> None:
    await queue(ledger, request)
    job = await ledger.write(lambda verbs: verbs.claim())
    clip = a_signed_clip(folder, not_possible=not_possible)
    await ledger.write(lambda verbs: verbs.finish(request.job_id, job.attempt, clip))
