"""Power cuts under the ledger and under the bot's inbox and outbox: what was acknowledged is there afterwards, and whole."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from telegram import Update

import bot.database
import engine.ledger.front
from bot.database import Database
from bot.delivery import Said
from bot.inbox import Arrival, Inbox
from bot.notes import Notes
from engine.errors import RenderFailed, WorkerDied
from engine.ledger import Ledger, Limits
from engine.schema import JobStatus, OutcomePage, SequencedOutcome
from handlers.context import SendText
from tests.faults.blackbox import Connection, Disk
from tests.unit.engine.ledger.conftest import a_request, a_signed_clip, queue

NO_LIMITS = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=10**9)
LONGEST_RUN = 900
"""Operations of the disk until the latest cut; the shortest run is cut while the file is being made."""

RUNNING_SIDE_BY_SIDE = 6


@dataclass
class CutTally:
    """What the oracle counted. `unreadable` says why a file was refused, `broken` which invariant did not hold."""

    seed: int
    cuts: int = 0
    acknowledged: int = 0
    lost: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        return not (self.lost or self.unreadable or self.broken)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.cuts} power cuts, {self.acknowledged} acknowledged facts, lost {len(self.lost)}, "
            f"unreadable files {len(self.unreadable)}, broken invariants {len(self.broken)}"
        )


def cut_the_ledger(cuts: int, *, seed: int, synchronous: str = "FULL") -> CutTally:
    return asyncio.run(_all(_ledger_until_the_cut, _judge_ledger, cuts, seed, synchronous))


def cut_the_bot(cuts: int, *, seed: int, synchronous: str = "FULL") -> CutTally:
    return asyncio.run(_all(_bot_until_the_cut, _judge_bot, cuts, seed, synchronous))


async def _all(work: Any, judge: Any, cuts: int, seed: int, synchronous: str) -> CutTally:
    chance, tally = random.Random(seed), CutTally(seed)
    for _ in range(cuts):
        with tempfile.TemporaryDirectory(prefix="cut-") as folder:
            told: dict[str, str] = {}
            before: dict[str, str] = {}
            disk = Disk(
                chance=chance,
                cut_at=chance.randrange(1, LONGEST_RUN),
                at_the_cut=lambda before=before, told=told: before.update(told),  # type: ignore[misc]
            )
            path = Path(folder) / "before" / "facts.sqlite"
            path.parent.mkdir()
            with _on(disk, synchronous=synchronous):
                await work(path, disk, told, chance)
            disk.write_images(Path(folder) / "after")
            tally.cuts += 1
            tally.acknowledged += len(before)
            try:
                await judge(Path(folder) / "after" / "facts.sqlite", before, tally)
            except Exception as error:  # noqa: BLE001  # whatever a start says about a file that it cannot use
                tally.unreadable.append(f"cut {tally.cuts}: {type(error).__name__}: {error}")
    return tally


@contextmanager
def _on(disk: Disk, *, synchronous: str) -> Iterator[None]:
    """The ledger and the bot write to this disk meanwhile. Reads share the one connection: it holds the lock."""
    opened: list[Connection] = []

    def connect(path: Path, **_: Any) -> Connection:
        opened.append(Connection(path, disk, synchronous=synchronous))
        return opened[-1]

    with (
        mock.patch.object(engine.ledger.front.sqlite3, "connect", connect),
        mock.patch.object(engine.ledger.front.registry, "open_reader", return_value=mock.Mock()),
    ):
        assert bot.database.sqlite3 is engine.ledger.front.sqlite3
        yield


# --- the ledger


async def _ledger_until_the_cut(path: Path, disk: Disk, told: dict[str, str], chance: random.Random) -> None:
    async with Ledger(path, limits=NO_LIMITS) as ledger:

        async def live() -> None:
            while not disk.is_cut:
                request = a_request(f"person-{chance.randrange(5)}")
                await queue(ledger, request)
                told[request.job_id] = "queued"
                await _one_more(ledger, told, chance, request.job_id)

        await asyncio.gather(*(live() for _ in range(RUNNING_SIDE_BY_SIDE)))


async def _one_more(ledger: Ledger, told: dict[str, str], chance: random.Random, job_id: str) -> None:
    """Claim and end a job in one of the ways in which jobs end, or cancel this one, or let it wait."""
    dice = chance.random()
    if dice < 0.1:
        told[job_id] = (await ledger.write(lambda verbs: verbs.cancel(job_id))).value
    elif dice < 0.8 and (job := await ledger.write(lambda verbs: verbs.claim())):
        end = chance.choice((a_signed_clip(Path("clip.mp4")), WorkerDied(), RenderFailed("somewhere")))
        name = job.request.job_id
        status = await ledger.write(lambda verbs: verbs.finish(name, job.attempt, end))
        if status is not None:
            told[name] = status.value


async def _judge_ledger(path: Path, before: dict[str, str], tally: CutTally) -> None:
    async with Ledger(path, limits=NO_LIMITS) as ledger:
        tally.broken += await ledger.write(lambda verbs: verbs.check())
        for job_id, status in before.items():
            row = ledger.row(job_id)
            ended = status not in {JobStatus.QUEUED.value, JobStatus.RUNNING.value}
            if row is None or (ended and row.status.value != status):
                tally.lost.append(f"cut {tally.cuts}: {job_id} was {status}")


# --- the bot


async def _bot_until_the_cut(path: Path, disk: Disk, told: dict[str, str], chance: random.Random) -> None:
    async with Database(path) as database:
        inbox = Inbox(database, now=lambda: 1_800_000_000.0)
        notes = Notes(database, now=lambda: 1_800_000_000.0)
        numbers = iter(range(1, 10**9))

        async def live() -> None:
            while not disk.is_cut:
                number = next(numbers)
                await _come_in(inbox, number, told, chance)
                await _go_out(notes, number, told, chance)

        await asyncio.gather(*(live() for _ in range(RUNNING_SIDE_BY_SIDE)))


async def _come_in(inbox: Inbox, number: int, told: dict[str, str], chance: random.Random) -> None:
    await inbox.accept(Update(update_id=number))
    told[f"in {number}"] = "kept"
    if chance.random() < 0.7:
        await inbox.finish(Arrival("telegram", number))
        told[f"in {number}"] = "done"
    if chance.random() < 0.3:
        outcome = SequencedOutcome(sequence=number, outcome=_canceled(number))
        await inbox.accept_outcomes(OutcomePage(outcomes=(outcome,)))
        told[f"outcome {number}"] = "kept"


async def _go_out(notes: Notes, number: int, told: dict[str, str], chance: random.Random) -> None:
    note = SendText(chat_id=number % 4, text="words " * chance.randrange(1, 200))
    await notes.add(str(number), note)
    told[f"out {number}"] = "pending"
    row = await notes.next(number % 4)
    if row is None or chance.random() < 0.3:
        return
    await notes.begin(row)
    await notes.keep(row, Said(message_id=number))
    told[f"out {row.key}"] = "sent"


def _canceled(number: int) -> Any:
    from engine.schema import Canceled

    return Canceled(job_id=f"00000000-0000-4000-8000-{number:012x}", reply_to=f"reply-{number:08d}")


async def _judge_bot(path: Path, before: dict[str, str], tally: CutTally) -> None:
    async with Database(path) as database:
        whole = await database.run(
            lambda connection: connection.execute("PRAGMA integrity_check").fetchone()[0]
        )
        if whole != "ok":
            tally.broken.append("integrity")
        found = await database.run(_facts)
        for fact, state in before.items():
            if fact not in found or (state in {"done", "sent"} and found[fact] != state):
                tally.lost.append(f"cut {tally.cuts}: {fact} was {state}, is {found.get(fact)}")


def _facts(connection: Any) -> dict[str, str]:
    facts = {}
    for source, number, done in connection.execute("SELECT source, id, done_at FROM inbox"):
        name = "in" if source == "telegram" else "outcome"
        facts[f"{name} {number}"] = "kept" if done is None else "done"
    for key, state in connection.execute("SELECT key, state FROM outbox"):
        facts[f"out {key}"] = state
    return facts
