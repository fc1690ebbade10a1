"""The bot's own table of what the engine must not know: tickets, clips, groups, members and stories."""

from __future__ import annotations

from typing import TypeVar

from bot.database import Connection, insert, read_as
from bot.group_store import SqliteGroupStore, prune_groups
from handlers.context import ClipRecord, Group, Person, Preferences, Question, Store, Story, Ticket

T = TypeVar("T")

KEEP_SECONDS = 7 * 86_400.0
"""How long tickets, clips, ended stories and what was handled or said are kept. Telegram repeats an update for
a day at most, and starts its numbers anew after a week of silence."""

MEMBER_SECONDS = 90 * 86_400.0
"""A person who was not seen in a group for this long is no longer offered it."""


PERSONAL = {
    "tickets": "user_id = ?",
    "clips": "user_id = ?",
    "stories": "user_id = ?",
    "members": "user_id = ?",
    "ratings": "user_id = ?",
    "questions": "user_id = ?",
    "preferences": "chat_id = ?",
    "consents": "? IN (user_id, author_id)",
    "story_reports": "user_id = ?",
    "hearts": "user_id = ?",
}
"""What is a person's in each table. A private chat has the person's id. Inbox and outbox are emptied as they are handled."""


class SqliteStore(SqliteGroupStore, Store):
    """Implements `handlers.context.Store`. `now` is the clock in Unix seconds."""

    async def open_ticket(self, ticket: Ticket) -> Ticket:
        opened_at = self._now()

        def work(connection: Connection) -> Ticket:
            insert(connection, "tickets", ticket, opened_at=opened_at)
            return _one(connection, Ticket, "SELECT * FROM tickets WHERE job_id = ?", ticket.job_id) or ticket

        return await self._database.run(work)

    async def set_placeholder(self, job_id: str, message_id: int) -> None:
        await self._change("UPDATE tickets SET placeholder_id = ? WHERE job_id = ?", message_id, job_id)

    async def ticket(self, reply_to: str) -> Ticket | None:
        return await self._first(Ticket, "SELECT * FROM tickets WHERE reply_to = ?", reply_to)

    async def ticket_of_job(self, job_id: str) -> Ticket | None:
        return await self._first(Ticket, "SELECT * FROM tickets WHERE job_id = ?", job_id)

    async def open_tickets(self, *, user_id: int | None = None, chat_id: int | None = None) -> list[Ticket]:
        return await self._all(
            Ticket,
            """SELECT * FROM tickets WHERE ended = 0 AND user_id = ifnull(?1, user_id)
               AND chat_id = ifnull(?2, chat_id) ORDER BY opened_at, rowid""",
            user_id,
            chat_id,
        )

    async def end_ticket(self, job_id: str) -> None:
        await self._change("UPDATE tickets SET ended = 1 WHERE job_id = ?", job_id)

    async def clip(self, job_id: str) -> ClipRecord | None:
        return await self._first(ClipRecord, "SELECT * FROM clips WHERE job_id = ?", job_id)

    async def saw_group(self, group: Group) -> None:
        await self._change(
            """INSERT INTO groups(chat_id, title) VALUES(?, ?)
               ON CONFLICT DO UPDATE SET title = excluded.title WHERE title <> excluded.title""",
            group.chat_id,
            group.title,
        )

    async def saw_member(self, chat_id: int, user_id: int) -> None:
        # Once an hour is often enough to remember; every message would be a write to disk.
        await self._change(
            """INSERT INTO members(chat_id, user_id, seen_at) VALUES(?, ?, ?) ON CONFLICT DO UPDATE
               SET seen_at = excluded.seen_at WHERE seen_at < excluded.seen_at - 3600""",
            chat_id,
            user_id,
            self._now(),
        )

    async def forget_group(self, chat_id: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM groups WHERE chat_id = ?", (chat_id,))
            connection.execute("DELETE FROM members WHERE chat_id = ?", (chat_id,))
            connection.execute("UPDATE stories SET ended = 1 WHERE chat_id = ?", (chat_id,))

        await self._database.run(work)

    async def migrate_group(self, old_chat_id: int, new_chat_id: int) -> None:
        await self._database.run(lambda connection: follow_group(connection, old_chat_id, new_chat_id))

    async def group(self, chat_id: int) -> Group | None:
        return await self._first(Group, "SELECT * FROM groups WHERE chat_id = ?", chat_id)

    async def groups_of(self, user_id: int) -> list[Group]:
        return await self._all(
            Group,
            "SELECT groups.* FROM groups JOIN members USING(chat_id) WHERE user_id = ? ORDER BY seen_at DESC",
            user_id,
        )

    async def add_story(self, story: Story) -> Story:
        def work(connection: Connection) -> Story:
            insert(connection, "stories", story)
            return (
                _one(connection, Story, "SELECT * FROM stories WHERE story_id = ?", story.story_id) or story
            )

        return await self._database.run(work)

    async def story(self, story_id: str) -> Story | None:
        return await self._first(Story, "SELECT * FROM stories WHERE story_id = ?", story_id)

    async def live_stories(self, *, chat_id: int | None = None, job_id: str | None = None) -> list[Story]:
        return await self._all(
            Story,
            """SELECT * FROM stories WHERE ended = 0 AND ends_at > ?1 AND chat_id = ifnull(?2, chat_id)
               AND job_id = ifnull(?3, job_id) ORDER BY ends_at""",
            self._now(),
            chat_id,
            job_id,
        )

    async def due_stories(self) -> list[Story]:
        """Stories whose time is over and that have not been ended, the overdue ones of a downtime too."""
        return await self._all(Story, "SELECT * FROM stories WHERE ended = 0 AND ends_at <= ?", self._now())

    async def end_story(self, story_id: str) -> None:
        await self._change("UPDATE stories SET ended = 1 WHERE story_id = ?", story_id)

    async def ask(self, question: Question) -> None:
        asked_at = self._now()
        await self._database.run(
            lambda connection: insert(connection, "questions", question, asked_at=asked_at)
        )

    async def question(self, chat_id: int, message_id: int) -> Question | None:
        query = "SELECT * FROM questions WHERE chat_id = ? AND message_id = ?"
        return await self._first(Question, query, chat_id, message_id)

    async def rate(self, job_id: str, user_id: int, *, good: bool) -> None:
        await self._change(
            """INSERT INTO ratings(job_id, user_id, good, rated_at) VALUES(?, ?, ?, ?)
               ON CONFLICT DO UPDATE SET good = excluded.good""",
            job_id,
            user_id,
            int(good),
            self._now(),
        )

    async def ratings(self) -> tuple[int, int]:
        def work(connection: Connection) -> tuple[int, int]:
            up, all_ = connection.execute("SELECT total(good), count(*) FROM ratings").fetchone()
            return int(up), int(all_ - up)

        return await self._database.run(work)

    async def preferences(self, chat_id: int) -> Preferences:
        query = "SELECT * FROM preferences WHERE chat_id = ?"
        return await self._first(Preferences, query, chat_id) or Preferences()

    async def set_preferences(self, chat_id: int, preferences: Preferences) -> None:
        await self._change(
            """INSERT INTO preferences(chat_id, language) VALUES(?, ?)
               ON CONFLICT DO UPDATE SET language = excluded.language""",
            chat_id,
            preferences.language,
        )

    async def person(self, user_id: int) -> Person:
        def work(connection: Connection) -> Person:
            tables = {
                table: [
                    dict(row) for row in connection.execute(f"SELECT * FROM {table} WHERE {mine}", (user_id,))
                ]
                for table, mine in PERSONAL.items()
            }
            return Person(
                tables={table: rows for table, rows in tables.items() if rows},
                live_stories=tuple(read_as(Story, row) for row in tables["stories"] if not row["ended"]),
            )

        return await self._database.run(work)

    async def forget_person(self, user_id: int) -> None:
        def work(connection: Connection) -> None:
            for table, mine in PERSONAL.items():
                connection.execute(f"DELETE FROM {table} WHERE {mine}", (user_id,))

        await self._database.run(work)
        await self._database.empty_log()

    async def prune(self) -> None:
        """Remove what is past its time, in every table of the file, and what was blanked from its log."""
        limit = self._now() - KEEP_SECONDS

        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM inbox WHERE done_at < ?", (limit,))
            connection.execute("DELETE FROM outbox WHERE ended_at < ?", (limit,))
            connection.execute("DELETE FROM tickets WHERE opened_at < ?", (limit,))
            connection.execute("DELETE FROM clips WHERE delivered_at < ?", (limit,))
            connection.execute("DELETE FROM stories WHERE ended = 1 AND ends_at < ?", (limit,))
            connection.execute("DELETE FROM ratings WHERE rated_at < ?", (limit,))
            connection.execute("DELETE FROM questions WHERE asked_at < ?", (limit,))
            prune_groups(connection, self._now())
            oldest_sight = self._now() - MEMBER_SECONDS
            connection.execute("DELETE FROM members WHERE seen_at < ?", (oldest_sight,))

        await self._database.run(work)
        await self._database.empty_log()

    async def _change(self, statement: str, *values: object) -> None:
        await self._database.run(lambda connection: connection.execute(statement, values).close())

    async def _first(self, kind: type[T], query: str, *values: object) -> T | None:
        return await self._database.run(lambda connection: _one(connection, kind, query, *values))

    async def _all(self, kind: type[T], query: str, *values: object) -> list[T]:
        return await self._database.run(
            lambda connection: [read_as(kind, row) for row in connection.execute(query, values)]
        )


def follow_group(connection: Connection, old_chat_id: int, new_chat_id: int) -> None:
    """Move every row of a group to its new id, in the caller's transaction."""
    for table in (
        "tickets",
        "clips",
        "stories",
        "outbox",
        "groups",
        "members",
        "preferences",
        "questions",
        "group_rules",
        "consents",
    ):
        statement = f"UPDATE OR REPLACE {table} SET chat_id = ? WHERE chat_id = ?"  # our own names
        connection.execute(statement, (new_chat_id, old_chat_id))


def _one(connection: Connection, kind: type[T], query: str, *values: object) -> T | None:
    row = connection.execute(query, values).fetchone()
    return None if row is None else read_as(kind, row)
