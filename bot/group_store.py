"""The part of the bot's store that is about groups: their rules, authors who were asked, reports and hearts of stories."""

from __future__ import annotations

from collections.abc import Callable

from bot.database import Connection, Database, insert, read_as
from handlers.group_values import Consent, GroupRules, GroupStore

DAY_SECONDS = 86_400.0


class SqliteGroupStore(GroupStore):
    """Implements `handlers.group_values.GroupStore`. `now` is the clock in Unix seconds."""

    def __init__(self, database: Database, *, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def group_rules(self, chat_id: int) -> GroupRules:
        def work(connection: Connection) -> GroupRules:
            row = connection.execute("SELECT * FROM group_rules WHERE chat_id = ?", (chat_id,)).fetchone()
            return GroupRules() if row is None else read_as(GroupRules, row)

        return await self._database.run(work)

    async def set_group_rules(self, chat_id: int, rules: GroupRules) -> None:
        def work(connection: Connection) -> None:
            connection.execute("DELETE FROM group_rules WHERE chat_id = ?", (chat_id,))
            insert(connection, "group_rules", rules, chat_id=chat_id)

        await self._database.run(work)

    async def clips_today(self, chat_id: int, user_id: int) -> tuple[int, float]:
        now = self._now()

        def work(connection: Connection) -> tuple[int, float]:
            made, first = connection.execute(
                "SELECT count(*), min(delivered_at) FROM clips "
                "WHERE chat_id = ? AND user_id = ? AND delivered_at > ?",
                (chat_id, user_id, now - DAY_SECONDS),
            ).fetchone()
            waiting = connection.execute(
                "SELECT count(*) FROM tickets WHERE chat_id = ? AND user_id = ? AND ended = 0",
                (chat_id, user_id),
            ).fetchone()[0]
            return int(made + waiting), float(now if first is None else first)

        return await self._database.run(work)

    async def ask_author(self, consent: Consent) -> None:
        asked_at = self._now()
        await self._database.run(
            lambda connection: insert(connection, "consents", consent, asked_at=asked_at)
        )

    async def consent(self, job_id: str) -> Consent | None:
        def work(connection: Connection) -> Consent | None:
            row = connection.execute("SELECT * FROM consents WHERE job_id = ?", (job_id,)).fetchone()
            return None if row is None else read_as(Consent, row)

        return await self._database.run(work)

    async def end_consent(self, job_id: str) -> bool:
        return await self._count("DELETE FROM consents WHERE job_id = ?", job_id) > 0

    async def report_story(self, story_id: str, user_id: int) -> int:
        def work(connection: Connection) -> int:
            connection.execute(
                "INSERT INTO story_reports(story_id, user_id) VALUES(?, ?) ON CONFLICT DO NOTHING",
                (story_id, user_id),
            )
            count = "SELECT count(*) FROM story_reports WHERE story_id = ?"
            return int(connection.execute(count, (story_id,)).fetchone()[0])

        return await self._database.run(work)

    async def hide_story(self, story_id: str, *, hidden: bool) -> None:
        """Reports count anew once an operator has decided."""

        def work(connection: Connection) -> None:
            connection.execute(
                "UPDATE stories SET hidden = ?, message_id = NULL WHERE story_id = ?", (int(hidden), story_id)
            )
            if not hidden:
                connection.execute("DELETE FROM story_reports WHERE story_id = ?", (story_id,))

        await self._database.run(work)

    async def set_heart(self, story_id: str, user_id: int, *, on: bool | None = None) -> int:
        def work(connection: Connection) -> int:
            mine = (story_id, user_id)
            gone = connection.execute("DELETE FROM hearts WHERE story_id = ? AND user_id = ?", mine).rowcount
            if on or (on is None and not gone):
                connection.execute("INSERT INTO hearts(story_id, user_id) VALUES(?, ?)", mine)
            return _hearts(connection, story_id)

        return await self._database.run(work)

    async def hearts(self, story_id: str) -> int:
        return await self._database.run(lambda connection: _hearts(connection, story_id))

    async def liked(self) -> dict[str, int]:
        query = (
            "SELECT story_id, count(*) FROM hearts JOIN stories USING(story_id) "
            "WHERE ended = 0 AND message_id IS NOT NULL GROUP BY story_id"
        )
        return await self._database.run(
            lambda connection: {str(row[0]): int(row[1]) for row in connection.execute(query)}
        )

    async def story_at(self, chat_id: int, message_id: int) -> str | None:
        def work(connection: Connection) -> str | None:
            query = "SELECT story_id FROM stories WHERE chat_id = ? AND message_id = ? AND ended = 0"
            row = connection.execute(query, (chat_id, message_id)).fetchone()
            return None if row is None else str(row["story_id"])

        return await self._database.run(work)

    async def _count(self, statement: str, *values: object) -> int:
        return await self._database.run(
            lambda connection: int(connection.execute(statement, values).rowcount)
        )


def prune_groups(connection: Connection, now: float) -> None:
    """What is past its time, in the caller's transaction."""
    connection.execute("DELETE FROM consents WHERE asked_at < ?", (now - DAY_SECONDS,))
    for table in ("story_reports", "hearts"):
        statement = (
            f"DELETE FROM {table} WHERE story_id NOT IN (SELECT story_id FROM stories)"  # our own names
        )
        connection.execute(statement)


def _hearts(connection: Connection, story_id: str) -> int:
    query = "SELECT count(*) FROM hearts WHERE story_id = ?"
    return int(connection.execute(query, (story_id,)).fetchone()[0])
