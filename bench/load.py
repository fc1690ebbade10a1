"""Many at once, against a real engine as a process: who is answered when, and who waits how long.

"Answered" is the first word: go on sending, or how long to wait, before the photo is sent at all. The gates' verdict comes later, and
is told apart. Everybody who was told to wait comes again after as long.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench.parts.figures import Figure, show
from bench.parts.home import Home, ready, running
from bench.parts.requests import request_of, small_photo, telegram_photo
from engine.ledger import Ledger, Limits
from engine.schema import JobRequest
from engine.verdicts import PhotoFacts

GOAL_ANSWER_SECONDS, GOAL_JAIN, GOAL_MEGABYTES = 1.0, 0.95, 250.0
SLOW = 400

CONFIG = "[limits]\ndepth = 20000\nqueued_per_requester = 5\n"


@dataclass
class Crowd:
    """What a crowd met, in seconds and by status."""

    answered: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="200 people, 1,000 queued")
    options = parser.parse_args()
    asyncio.run(
        print_all(
            people=200 if options.quick else 1000,
            queued=1000 if options.quick else 10_000,
            as_json=options.json,
        )
    )


async def print_all(*, people: int, queued: int, as_json: bool) -> None:
    """Each as soon as it is known: all of it takes minutes."""
    async for figure in measure(people=people, queued=queued):
        show(figure, as_json=as_json)


async def measure(*, people: int, queued: int) -> AsyncIterator[Figure]:
    for scenario in (at_once(people), one_beside_fifty(), fairness(), slow_uploads(), long_queue(queued)):
        for figure in await scenario:
            yield figure


async def at_once(people: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        home = Home(Path(folder), config=CONFIG, rest_seconds=600)
        async with running(home):
            photo, crowd = telegram_photo(), Crowd()
            began = time.monotonic()
            await asyncio.gather(
                *(until_taken(home.socket, request_of(f"requester-{n}"), photo, crowd) for n in range(people))
            )
            took, megabytes = time.monotonic() - began, home.resident_megabytes()
    name = f"{people:,} people at once"
    return [
        Figure(f"{name}, answered, p99", p99(crowd.answered), "s", goal=GOAL_ANSWER_SECONDS),
        Figure(f"{name}, verdict once taken, median", statistics.median(crowd.verdicts), "s"),
        Figure(f"{name}, verdict once taken, p99", p99(crowd.verdicts), "s"),
        Figure(f"{name}, all taken in after", took, "s"),
        Figure(f"{name}, told to wait", crowd.statuses[503], "times"),
        Figure(
            f"{name}, other answers",
            sum(crowd.statuses.values()) - crowd.statuses[503] - crowd.statuses[202],
            "times",
            goal=0,
        ),
        Figure(f"{name}, engine resident", megabytes, "MB", goal=GOAL_MEGABYTES),
    ]


async def until_taken(socket: Path, job: JobRequest, photo: bytes, crowd: Crowd) -> None:
    while True:
        status, answered, verdict, wait = await put(socket, job, photo)
        crowd.answered.append(answered)
        crowd.statuses[status] += 1
        if status not in {503, 429}:
            crowd.verdicts.append(verdict)
            return
        await asyncio.sleep(wait)


async def put(socket: Path, job: JobRequest, photo: bytes) -> tuple[int, float, float, float]:
    """One PUT that asks first. Status, seconds to the first word, seconds from it to the verdict, and how long to wait."""
    border = uuid.uuid4().hex
    head = f'--{border}\r\nContent-Disposition: form-data; name="%s"\r\n\r\n'
    body = (
        (head % "request").encode()
        + msgspec.json.encode(job)
        + b"\r\n"
        + (head % "photo").encode()
        + photo
        + f"\r\n--{border}--\r\n".encode()
    )
    asked = (
        f"PUT /jobs/{job.job_id} HTTP/1.1\r\nHost: engine\r\nExpect: 100-continue\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary={border}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    began = time.monotonic()
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(asked.encode())
        status, wait = await read_head(reader)
        answered = time.monotonic()
        if status == 100:
            writer.write(body)
            await writer.drain()
            status, wait = await read_head(reader)
        return status, answered - began, time.monotonic() - answered, wait
    finally:
        writer.close()


async def read_head(reader: asyncio.StreamReader) -> tuple[int, float]:
    """Status, and Retry-After."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    lines = head.split("\r\n")
    wait = next((float(line.split(":")[1]) for line in lines if line.lower().startswith("retry-after:")), 5.0)
    return int(lines[0].split()[1]), wait


async def one_beside_fifty() -> list[Figure]:
    """300 photos of one person and 50 of others, at once, under the quota of five that wait."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        home = Home(Path(folder), config=CONFIG + "at_the_door = 400\n", rest_seconds=600)
        async with running(home):
            photo, greedy, others = small_photo(), Crowd(), Crowd()
            await asyncio.gather(
                *(once(home.socket, request_of("greedy-person"), photo, greedy) for _ in range(300)),
                *(until_taken(home.socket, request_of(f"requester-{n}"), photo, others) for n in range(50)),
            )
    taken = greedy.statuses[202]
    return [
        Figure("300 of one, taken in", taken, "photos", goal=7),  # five wait, two may run
        Figure("300 of one, told to wait", greedy.statuses[429], "photos", goal=293, at_least=True),
        Figure("50 others, taken in", others.statuses[202], "photos", goal=50, at_least=True),
        Figure(
            "350 at once, answered, p99",
            p99(greedy.answered + others.answered),
            "s",
            goal=GOAL_ANSWER_SECONDS,
        ),
    ]


async def once(socket: Path, job: JobRequest, photo: bytes, crowd: Crowd) -> None:
    status, answered, _, _ = await put(socket, job, photo)
    crowd.answered.append(answered)
    crowd.statuses[status] += 1


async def fairness() -> list[Figure]:
    """300 photos of one queued before five each of 50 others, without a quota, on two workers of ten seconds a clip.

    Simulated on the ledger's own claims. Compared are everybody's first five: whoever brings more waits longer for the rest.
    """
    alone = await simulate({f"person-{n}": 5 for n in range(50)})
    beside = await simulate({"greedy-person": 300} | {f"person-{n}": 5 for n in range(50)})
    mean_alone = statistics.mean(map(statistics.mean, alone.values()))
    mean_beside = statistics.mean(statistics.mean(beside[f"person-{n}"]) for n in range(50))
    return [
        Figure(
            "Jain's index of 51 people's waiting",
            jain([statistics.mean(it[:5]) for it in beside.values()]),
            "",
            goal=GOAL_JAIN,
            at_least=True,
        ),
        Figure("50 others' waiting beside the 300, times alone", mean_beside / mean_alone, "×", goal=1.05),
    ]


async def simulate(photos: dict[str, int]) -> dict[str, list[float]]:
    """By person, how long each photo waited for its claim."""
    waits: dict[str, list[float]] = {person: [] for person in photos}
    limits = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=2)
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        async with Ledger(Path(folder) / "engine.sqlite", limits=limits) as ledger:
            for person, count in photos.items():
                for job in [request_of(person) for _ in range(count)]:
                    await ledger.write(
                        lambda verbs, job=job: verbs.accept(job, "", job.job_id, PhotoFacts(), (), 7)
                    )
            moment = 0.0
            while jobs := [job for _ in range(2) if (job := await ledger.write(lambda verbs: verbs.claim()))]:
                for job in jobs:
                    waits[job.request.requester].append(moment)
                    await ledger.write(lambda verbs, job=job: verbs.canceled(job.request.job_id, job.attempt))
                moment += 10.0
    return waits


def jain(values: Sequence[float]) -> float:
    """1 where all are alike, 1/n where one has everything (Jain, Chiu, Hawe 1984)."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))


async def slow_uploads() -> list[Figure]:
    """400 that trickle a byte a second, and ordinary people beside them."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        home = Home(Path(folder), config=CONFIG, rest_seconds=600)
        async with running(home):
            slow = [await trickle(home.socket) for _ in range(SLOW)]
            dripping = asyncio.create_task(drip([writer for _, writer in slow]))  # noqa: RUF006  # held until it is cancelled
            crowd, photo, began = Crowd(), small_photo(), time.monotonic()
            while time.monotonic() - began < 15:
                await until_taken(home.socket, request_of(f"requester-{uuid.uuid4()}"), photo, crowd)
            dripping.cancel()
            cut_off = sum(reader.at_eof() or bool(reader._buffer) for reader, _ in slow)  # noqa: SLF001
            megabytes = home.resident_megabytes()
            for _, writer in slow:
                writer.close()
    return [
        Figure(
            f"{SLOW} slow uploads, others answered, p99", p99(crowd.answered), "s", goal=GOAL_ANSWER_SECONDS
        ),
        Figure(f"{SLOW} slow uploads, others taken in", crowd.statuses[202], "photos", goal=1, at_least=True),
        Figure(f"{SLOW} slow uploads, cut off or sent away", cut_off, "", goal=SLOW, at_least=True),
        Figure(f"{SLOW} slow uploads, engine resident", megabytes, "MB", goal=GOAL_MEGABYTES),
    ]


async def trickle(socket: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    writer.write(
        f"PUT /jobs/{uuid.uuid4()} HTTP/1.1\r\nHost: engine\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 5000000\r\n\r\n".encode()
    )
    return reader, writer


async def drip(writers: Sequence[asyncio.StreamWriter]) -> None:
    while True:
        for writer in writers:
            if not writer.is_closing():
                writer.write(b"x")
        await asyncio.sleep(1.0)


async def long_queue(queued: int) -> list[Figure]:
    """So many queued, and a hundred more who come."""
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        home = Home(Path(folder), config=CONFIG, rest_seconds=600)
        home.make()
        await fill(home, queued)
        home.start()
        try:
            async with home.client() as client:
                await ready(client)
                crowd, photo = Crowd(), small_photo()
                for number in range(100):
                    await until_taken(home.socket, request_of(f"late-requester-{number}"), photo, crowd)
                status = await client.status()
                megabytes = home.resident_megabytes()
        finally:
            await asyncio.to_thread(home.stop)
    name = f"{queued:,} queued"
    return [
        Figure(f"{name}, still queued", status.queued, "jobs", goal=queued, at_least=True),
        Figure(f"{name}, answered, p99", p99(crowd.answered), "s", goal=GOAL_ANSWER_SECONDS),
        Figure(f"{name}, verdict, p99", p99(crowd.verdicts), "s"),
        Figure(f"{name}, engine resident", megabytes, "MB", goal=GOAL_MEGABYTES),
    ]


async def fill(home: Home, count: int) -> None:
    """Queue jobs as an engine would have; they share one photo's bytes on the disk."""
    photos = home.folder / "data" / "photos"
    photos.mkdir(mode=0o700, exist_ok=True)
    (photos / "first").write_bytes(small_photo())
    limits = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=2)
    async with Ledger(home.folder / "data" / "engine.sqlite", limits=limits) as ledger:
        for _ in range(count // 100):
            jobs = [request_of(f"requester-{number}") for number in range(100)]
            for job in jobs:
                os.link(photos / "first", photos / f"{job.job_id}.jpg")
            await ledger.write(
                lambda verbs, jobs=jobs: [
                    verbs.accept(job, "", job.job_id, PhotoFacts(), (), 7) for job in jobs
                ]
            )


def p99(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


if __name__ == "__main__":
    main()
