"""The rows of the outbox: every change of what was said, and what follows from it, in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.database import Connection, Database, insert
from bot.delivery import Said
from bot.store import follow_group
from handlers.context import (
    ClipRecord,
    DeleteMessage,
    EditText,
    EditToVideo,
    Note,
    PostStory,
    SendText,
)


@dataclass(frozen=True, slots=True)
class Row:
    """A note that waits; `tries` counts how often it could not be said."""

    number: int
    key: str
    note: Note
    tries: int
    put_at: float


_SELECT = "SELECT number, key, chat_id, body, tries, put_at FROM outbox"


class Notes:
    """Bodies are emptied once a note has ended, in whatever way. `now` is the clock in Unix seconds."""

    def __init__(self, database: Database, *, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def add(self, key: str, note: Note) -> bool:
        """Keep a note; false when its key was put before."""
        return await self._database.run(lambda connection: self._add(connection, key, note))

    async def waiting_chats(self) -> list[int]:
        query = "SELECT DISTINCT chat_id FROM outbox WHERE state = 'pending'"
        return await self._database.run(lambda connection: [row[0] for row in connection.execute(query)])

    async def settle_interrupted(self) -> list[int]:
        """What an earlier process was sending may have arrived. A text is said again: twice is better than never.

        A clip, a story or a file is not; returns the numbers of these.
        """

        def work(connection: Connection) -> list[int]:
            unknown = []
            for row in connection.execute(f"{_SELECT} WHERE state = 'sending'").fetchall():
                found = _read(row)
                if isinstance(found.note, SendText | EditText):
                    connection.execute(
                        "UPDATE outbox SET state = 'pending' WHERE number = ?", (found.number,)
                    )
                else:
                    self._end(connection, found, "unknown")
                    unknown.append(found.number)
            return unknown

        return await self._database.run(work)

    async def next(self, chat_id: int) -> Row | None:
        """The oldest note that waits for this chat."""
        query = f"{_SELECT} WHERE state = 'pending' AND chat_id = ? ORDER BY number LIMIT 1"
        row = await self._database.run(lambda connection: connection.execute(query, (chat_id,)).fetchone())
        return None if row is None else _read(row)

    async def wanted(self, row: Row) -> bool:
        """False for a story that was taken back before it was posted."""
        if not isinstance(row.note, PostStory):
            return True
        story_id = row.note.story_id
        return not await self._database.run(lambda connection: _story_has_ended(connection, story_id))

    async def begin(self, row: Row) -> None:
        """Written right before a send leaves: after a crash, one in this state is not repeated."""
        await self._update(row, "state = 'sending'")

    async def postpone(self, row: Row) -> None:
        await self._update(row, "state = 'pending', tries = tries + 1")

    async def replace(self, row: Row, note: Note) -> None:
        """Say this instead, in the same place of the line."""
        await self._update(row, "state = 'pending', body = ?", msgspec.json.encode(note))

    async def follow_group(self, row: Row, chat_id: int) -> None:
        """The group has a new id: this note and everything else of it moves there."""

        def work(connection: Connection) -> None:
            connection.execute("UPDATE outbox SET state = 'pending' WHERE number = ?", (row.number,))
            follow_group(connection, row.note.chat_id, chat_id)

        await self._database.run(work)

    async def keep(self, row: Row, said: Said) -> list[Note]:
        """It is said: keep what Telegram made of it; returns the notes that follow from it, which are kept too."""

        def work(connection: Connection) -> list[Note]:
            self._settle(connection, row, "sent")
            further = list(_consequences(connection, row.note, said, self._now()))
            for suffix, note in further:
                self._add(connection, f"{row.key}/{suffix}", note)
            return [note for _, note in further]

        return await self._database.run(work)

    async def end(self, row: Row, state: str) -> None:
        """It will not be said (again): `sent` where nothing is left to do, else why."""
        await self._database.run(lambda connection: self._end(connection, row, state))

    async def unacknowledged(self) -> list[tuple[str, bool]]:
        """Jobs that have been told, or cannot be, which the engine does not know yet."""
        query = "SELECT job_id, reached FROM acknowledgements"
        return await self._database.run(
            lambda connection: [(row[0], bool(row[1])) for row in connection.execute(query)]
        )

    async def acknowledged(self, job_id: str) -> None:
        statement = "DELETE FROM acknowledgements WHERE job_id = ?"
        await self._database.run(lambda connection: connection.execute(statement, (job_id,)).close())

    async def _update(self, row: Row, change: str, *values: object) -> None:
        statement = f"UPDATE outbox SET {change} WHERE number = ?"  # our own words
        await self._database.run(
            lambda connection: connection.execute(statement, (*values, row.number)).close()
        )

    def _add(self, connection: Connection, key: str, note: Note) -> bool:
        cursor = connection.execute(
            "INSERT INTO outbox(key, chat_id, body, put_at) VALUES(?, ?, ?, ?) ON CONFLICT(key) DO NOTHING",
            (
                key,
                note.chat_id,
                msgspec.json.encode(note, enc_hook=str),
                self._now(),
            ),  # texts are str subclasses
        )
        return bool(cursor.rowcount)

    def _end(self, connection: Connection, row: Row, state: str) -> None:
        self._settle(connection, row, state)
        match row.note:
            case EditToVideo(job_id=str(job_id)) | EditText(job_id=str(job_id)):
                _acknowledge(connection, job_id, reached=state in {"sent", "unknown"})
                connection.execute("UPDATE tickets SET ended = 1 WHERE job_id = ?", (job_id,))
            case PostStory(story_id=story_id) if state != "unknown":
                connection.execute("UPDATE stories SET ended = 1 WHERE story_id = ?", (story_id,))
            case _:
                pass

    def _settle(self, connection: Connection, row: Row, state: str) -> None:
        connection.execute(
            "UPDATE outbox SET state = ?, body = NULL, ended_at = ? WHERE number = ?",
            (state, self._now(), row.number),
        )


def _read(row: Any) -> Row:
    note = replace(msgspec.json.decode(row["body"], type=Note), chat_id=row["chat_id"])
    return Row(row["number"], row["key"], note, row["tries"], row["put_at"])


def _consequences(connection: Connection, note: Note, said: Said, now: float) -> list[tuple[str, Note]]:
    """Change the other tables to match what was said; returns what is to be said next, with a key for it."""
    match note:
        case EditToVideo():
            _keep_clip(connection, note, said, now)
            _acknowledge(connection, note.job_id, reached=True)
            return [("nudge", _nudge(note, said))] if note.message_id is not None and note.nudge else []
        case EditText(job_id=str(job_id)):
            _acknowledge(connection, job_id, reached=True)
        case PostStory():
            ended = _story_has_ended(connection, note.story_id)
            connection.execute(
                "UPDATE stories SET message_id = ? WHERE story_id = ?", (said.message_id, note.story_id)
            )
            # Taken back while it was being posted.
            return (
                [("delete", DeleteMessage(chat_id=note.chat_id, message_id=said.message_id))] if ended else []
            )
        case _:
            pass
    return []


def _nudge(note: EditToVideo, said: Said) -> SendText:
    """An edit does not notify; a clip that was sent has notified already and gets none."""
    return SendText(
        chat_id=note.chat_id, text=note.nudge, thread_id=note.thread_id, answer_to=said.message_id
    )


def _keep_clip(connection: Connection, note: EditToVideo, said: Said, now: float) -> None:
    ticket = connection.execute(
        "SELECT user_id, maker_name FROM tickets WHERE job_id = ?", (note.job_id,)
    ).fetchone()
    if ticket is None:  # pruned: older than anything that could still be shared
        return
    record = ClipRecord(
        job_id=note.job_id,
        user_id=ticket["user_id"],
        maker_name=ticket["maker_name"],
        file_id=said.file_id,
        label=note.label,
        shows_people=note.shows_people,
        chat_id=note.chat_id,
        message_id=said.message_id,
    )
    insert(connection, "clips", record, delivered_at=now)


def _acknowledge(connection: Connection, job_id: str, *, reached: bool) -> None:
    connection.execute(
        "INSERT INTO acknowledgements(job_id, reached) VALUES(?, ?) ON CONFLICT DO NOTHING", (job_id, reached)
    )


def _story_has_ended(connection: Connection, story_id: str) -> bool:
    row = connection.execute("SELECT ended FROM stories WHERE story_id = ?", (story_id,)).fetchone()
    return row is None or bool(row["ended"])
