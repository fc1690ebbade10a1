"""The durable update queue: what came in is on disk before Telegram, or the engine, is told that we have it.

PTB awaits `update_queue.put()` for every update before its next `getUpdates` confirms the batch, so writing ahead
there loses nothing to a crash; stock polling lost 100 of 234 updates over twelve `kill -9`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import msgspec
from telegram import Bot, Update
from telegram.error import NetworkError

from bot.database import Connection, Database, StorageError
from engine import logs
from engine.schema import OutcomePage, SequencedOutcome
from handlers.context import EngineOutcome

log = logs.get(__name__)

CURSOR = "outcome_cursor"


class Arrival(NamedTuple):
    """Which row of the inbox: where it came from, and its number there."""

    source: str
    id: int


class Inbox:
    """The table of what came in. Bodies hold captions, and are emptied as soon as they are handled."""

    def __init__(self, database: Database, *, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def accept(self, update: Update) -> bool:
        """Keep an update; false when it has been kept before."""
        arrival, body = Arrival("telegram", update.update_id), update.to_json().encode()
        return await self._database.run(lambda connection: self._insert(connection, arrival, body))

    async def accept_outcomes(self, page: OutcomePage) -> list[EngineOutcome]:
        """Keep the outcomes and move the cursor past them, in one transaction; returns the new ones."""

        def work(connection: Connection) -> list[EngineOutcome]:
            fresh = [
                EngineOutcome(item.sequence, item.outcome)
                for item in page.outcomes
                if self._insert(connection, Arrival("engine", item.sequence), msgspec.json.encode(item))
            ]
            connection.execute(
                "INSERT INTO meta(name, value) VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (CURSOR, page.outcomes[-1].sequence),
            )
            return fresh

        return await self._database.run(work) if page.outcomes else []

    async def cursor(self) -> int:
        """The sequence of the last outcome that was kept; 0 before the first."""

        def work(connection: Connection) -> int:
            row = connection.execute("SELECT value FROM meta WHERE name = ?", (CURSOR,)).fetchone()
            return int(row[0]) if row else 0

        return await self._database.run(work)

    async def begin(self, arrival: Arrival) -> int:
        """Count one more try at handling it; returns how many that makes, crashed ones included."""

        def work(connection: Connection) -> int:
            statement = "UPDATE inbox SET tries = tries + 1 WHERE source = ? AND id = ? RETURNING tries"
            row = connection.execute(statement, arrival).fetchone()
            return int(row[0]) if row else 1

        return await self._database.run(work)

    async def finish(self, arrival: Arrival) -> None:
        """It is handled: forget what it said, remember that it came."""
        statement = "UPDATE inbox SET done_at = ?, body = NULL WHERE source = ? AND id = ?"
        values = (self._now(), *arrival)
        await self._database.run(lambda connection: connection.execute(statement, values).close())

    async def waiting(self, bot: Bot) -> list[Update | EngineOutcome]:
        """What an earlier process accepted and did not finish, in the order in which it came."""
        query = "SELECT source, body FROM inbox WHERE done_at IS NULL ORDER BY number"
        rows = await self._database.run(lambda connection: connection.execute(query).fetchall())
        return [_revive(source, body, bot) for source, body in rows]

    def _insert(self, connection: Connection, arrival: Arrival, body: bytes) -> bool:
        cursor = connection.execute(
            "INSERT INTO inbox(source, id, body, arrived_at) VALUES(?, ?, ?, ?) ON CONFLICT(source, id) DO NOTHING",
            (*arrival, body, self._now()),
        )
        return bool(cursor.rowcount)


class DurableQueue(asyncio.Queue[object]):
    """PTB's `update_queue`. An update that is in the inbox already is not put a second time."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox

    async def put(self, item: object) -> None:
        """Raises NetworkError when an update cannot be kept, so that Telegram is asked for it again."""
        if isinstance(item, Update):
            try:
                fresh = await self._inbox.accept(item)
            except StorageError as error:
                # Any other class ends PTB's poller for good, while it still says that it is running.
                raise NetworkError(f"the inbox cannot be written: {type(error).__name__}") from error
            if not fresh:
                log.info("repeated update left out", update_id=item.update_id)
                return
        await super().put(item)

    async def replay(self, bot: Bot) -> int:
        """Put what an earlier process did not finish; returns how many. Call it once, before polling starts."""
        waiting = await self._inbox.waiting(bot)
        for item in waiting:
            await super().put(item)
        return len(waiting)


def arrival_of(item: object) -> Arrival | None:
    """The row of something that PTB processes; None for what never was in the inbox."""
    match item:
        case Update():
            return Arrival("telegram", item.update_id)
        case EngineOutcome():
            return Arrival("engine", item.sequence)
        case _:
            return None


def _revive(source: str, body: bytes, bot: Bot) -> Update | EngineOutcome:
    if source == "engine":
        sequenced = msgspec.json.decode(body, type=SequencedOutcome)
        return EngineOutcome(sequenced.sequence, sequenced.outcome)
    return Update.de_json(msgspec.json.decode(body), bot)
