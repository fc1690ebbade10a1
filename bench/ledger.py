"""The ledger beside queues that others wrote: put, claim, finish, one process, the same disk, every commit synced.

Everybody does a full cycle of the same jobs. Ours does it with all that it promises: no job twice, quotas, fair order,
attempts, decisions and events. What others do less is in the name of their row.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from bench.parts.figures import Figure, show
from engine.ledger import Job, Ledger, Limits
from engine.media.clip import CheckedClip, LabeledClip, Made, SignedClip
from engine.schema import JobRequest, Stage
from engine.verdicts import Allowed, Decision, PhotoFacts, Screened

GOAL_TIMES_HUEY = 2.0
GOAL_CLAIM_MS = 1.0
AT_ONCE = 64
"""Requests that the engine has open; whatever gathers while a commit is written shares the next one."""

NO_LIMITS = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=10**9)
PHOTO = hashlib.sha256(b"a photo").hexdigest()
DECISION = Decision(stage=Stage.PROMPT, gate="concepts", verdict=Allowed(), score=0.0, policy_version="1")


@dataclass(frozen=True, slots=True)
class Cycle:
    """Seconds for `jobs` jobs."""

    jobs: int
    put: float
    claim: float
    finish: float

    @property
    def per_second(self) -> float:
        return self.jobs / (self.put + self.claim + self.finish)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="fewer jobs, 10,000 instead of 100,000 queued")
    options = parser.parse_args()
    for figure in measure(quick=options.quick):
        show(figure, as_json=options.json)


def measure(*, quick: bool) -> list[Figure]:
    jobs, rounds, deep = (300, 3, 10_000) if quick else (1000, 5, 100_000)
    figures = [Figure("4 KiB written and synced, median", disk_ms(), "ms")]
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=Path.cwd() / "data") as folder:
        rates = race(Path(folder), jobs=jobs, rounds=rounds)
        for name, rate in rates.items():
            figures.append(
                Figure(name, None, "jobs/s", skipped="not installed")
                if rate is None
                else Figure(name, rate, "jobs/s")
            )
        ours, huey = rates[OURS], rates[HUEY]
        if ours is not None and huey is not None:
            figures.append(Figure("ours, times huey", ours / huey, "×", goal=GOAL_TIMES_HUEY, at_least=True))
        figures += asyncio.run(deep_queue(Path(folder) / "deep.sqlite", deep))
    return figures


def race(folder: Path, *, jobs: int, rounds: int) -> dict[str, float | None]:
    """The median rate of each; they take turns, so that a busy moment of the disk meets all."""
    rates: dict[str, list[float]] = {name: [] for name in RUNNERS}
    for number in range(rounds):
        for name, run in RUNNERS.items():
            try:
                rates[name].append(run(folder / f"{number}-{abs(hash(name))}", jobs).per_second)
            except ImportError:
                continue
    return {name: statistics.median(found) if found else None for name, found in rates.items()}


# --- ours


def ours(path: Path, jobs: int) -> Cycle:
    return asyncio.run(_ours(path, jobs))


async def _ours(path: Path, jobs: int) -> Cycle:
    requests = [a_request(number) for number in range(jobs)]
    async with Ledger(path, limits=NO_LIMITS) as ledger:
        began = time.perf_counter()
        await many(lambda request: ledger.write(lambda verbs: accept(verbs, request)), requests)
        put = time.perf_counter()
        claimed = await many(lambda _: ledger.write(lambda verbs: verbs.claim()), requests)
        claim = time.perf_counter()
        await many(lambda job: ledger.write(lambda verbs: finish(verbs, job)), claimed)
        done = time.perf_counter()
        assert await ledger.write(lambda verbs: verbs.check()) == []
    return Cycle(jobs, put - began, claim - put, done - claim)


async def many(work: Callable[[Any], Any], items: list[Any]) -> list[Any]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(item: Any) -> Any:
        async with turns:
            return await work(item)

    return list(await asyncio.gather(*map(one, items)))


def a_request(number: int) -> JobRequest:
    return JobRequest(
        job_id=str(uuid.UUID(int=number)),
        prompt="x" * 200,
        locale="en",
        requester=f"requester-{number % 50}",
        reply_to=f"reply-to-{number:08d}",
    )


def accept(verbs: Any, request: JobRequest) -> bool:
    return bool(verbs.accept(request, PHOTO, request.job_id, PhotoFacts(), (DECISION,), 7))


def finish(verbs: Any, job: Job) -> object:
    return verbs.finish(job.request.job_id, job.attempt, a_clip(job.request.job_id), (DECISION,))


def a_clip(job_id: str) -> SignedClip:
    digest = hashlib.sha256(job_id.encode()).hexdigest()
    labeled = LabeledClip(
        path=Path("clip.mp4"),
        sha256=digest,
        width=720,
        height=1280,
        duration_seconds=4.0,
        label="AI modified",
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(),
        made=Made(moved=("snow",)),
        watermark=int(digest[:10], 16),
    )
    checked = CheckedClip(labeled=labeled, screened=Screened(verdict=Allowed(), decisions=()))
    return SignedClip(
        checked=checked,
        path=labeled.path,
        sha256=digest,
        size_bytes=10**6,
        manifest=bytes(2000),
        fingerprint=bytes.fromhex(digest),
    )


async def deep_queue(path: Path, deep: int) -> list[Figure]:
    """What a claim costs in the writer's thread, commit apart, with so many queued; and with nearly everybody at work."""
    limits = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=2)
    async with Ledger(path, limits=limits) as ledger:
        for first in range(0, deep, 1000):
            await ledger.write(
                lambda verbs, first=first: [
                    accept(verbs, a_deep_request(n)) for n in range(first, first + 1000)
                ]
            )
        took = [await ledger.write(timed_claim) for _ in range(300)]
        await ledger.write(all_but_one_at_work)
        blocked = await ledger.write(timed_claim)
        row = time.perf_counter()
        ledger.row(str(uuid.UUID(int=deep - 1)))
        place = (time.perf_counter() - row) * 1000
    name = f"claim with {deep:,} queued"
    return [
        Figure(f"{name}, median", statistics.median(took), "ms", goal=GOAL_CLAIM_MS),
        Figure(f"{name}, p99", sorted(took)[int(len(took) * 0.99)], "ms", goal=GOAL_CLAIM_MS),
        Figure(f"{name}, 999 of 1,000 at work", blocked, "ms"),
        Figure(f"the last one's place of {deep:,}", place, "ms"),
    ]


def a_deep_request(number: int) -> JobRequest:
    return msgspec.structs.replace(a_request(number), requester=f"requester-{number % 1000}")


def timed_claim(verbs: Any) -> float:
    began = time.perf_counter()
    assert verbs.claim() is not None
    return (time.perf_counter() - began) * 1000


def all_but_one_at_work(verbs: Any) -> None:
    verbs.connection.execute("UPDATE requesters SET running = 2 WHERE requester != 'requester-999'")


# --- others


def huey(path: Path, jobs: int) -> Cycle:
    """The storage below huey's API: put, dequeue (which deletes), put a result."""
    from huey.storage import SqliteStorage

    storage = SqliteStorage("bench", str(path), fsync=True)
    return one_by_one(
        jobs,
        put=lambda _: storage.enqueue(PAYLOAD),
        claim=storage.dequeue,
        finish=lambda _: storage.put_data(str(uuid.uuid4()), b"ok"),
    )


def huey_whole(path: Path, jobs: int) -> Cycle:
    """As an application uses it: a task, dequeued and executed."""
    from huey import SqliteHuey

    queue = SqliteHuey("bench", filename=str(path), fsync=True)

    @queue.task()
    def job(payload: str) -> str:
        return payload[:1]

    return one_by_one(jobs, put=lambda _: job(PAYLOAD.decode()), claim=queue.dequeue, finish=queue.execute)


def litequeue(path: Path, jobs: int) -> Cycle:
    from litequeue import LiteQueue

    queue = LiteQueue(str(path))
    queue.conn.execute("PRAGMA synchronous=FULL")
    return one_by_one(
        jobs,
        put=lambda _: queue.put(PAYLOAD.decode()),
        claim=queue.pop,
        finish=lambda message: queue.done(message.message_id),
    )


def table_calls(path: Path, jobs: int) -> Cycle:
    """sqlite-utils' own calls, as its documentation shows them."""
    from pysqlite3 import dbapi2 as sqlite3
    from sqlite_utils import Database

    db = Database(sqlite3.connect(path))
    db.enable_wal()
    db.execute("PRAGMA synchronous=FULL").fetchone()
    db["jobs"].create({"id": int, "key": str, "state": str, "payload": str}, pk="id")
    db["jobs"].create_index(["key"], unique=True)
    db["jobs"].create_index(["state", "id"])
    table = db["jobs"]

    def claim() -> int:
        with db.atomic():
            row = next(table.rows_where("state = 'queued'", order_by="id", limit=1))
            table.update(row["id"], {"state": "running"})
            return int(row["id"])

    return one_by_one(
        jobs,
        put=lambda number: table.insert({"key": str(number), "state": "queued", "payload": PAYLOAD.decode()}),
        claim=claim,
        finish=lambda job: table.update(job, {"state": "done"}),
    )


PAYLOAD = b'{"prompt": "' + b"x" * 200 + b'", "photo": "' + PHOTO.encode() + b'"}'


def one_by_one(
    jobs: int, *, put: Callable[[int], Any], claim: Callable[[], Any], finish: Callable[[Any], Any]
) -> Cycle:
    began = time.perf_counter()
    for number in range(jobs):
        put(number)
    queued = time.perf_counter()
    claimed = [claim() for _ in range(jobs)]
    assert all(job is not None for job in claimed)
    running = time.perf_counter()
    for job in claimed:
        finish(job)
    return Cycle(jobs, queued - began, running - queued, time.perf_counter() - running)


OURS, HUEY = "ours, all features", "huey, storage (job gone at claim)"
RUNNERS: dict[str, Callable[[Path, int], Cycle]] = {
    OURS: ours,
    HUEY: huey,
    "huey, task API": huey_whole,
    "litequeue (no attempts)": litequeue,
    "sqlite-utils, table calls": table_calls,
}


def disk_ms() -> float:
    """What the disk does, without anybody's queue."""
    took = []
    with tempfile.NamedTemporaryFile(dir=Path.cwd() / "data") as file:
        for number in range(200):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(4096), number % 64 * 4096)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


if __name__ == "__main__":
    main()
