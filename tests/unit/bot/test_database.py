"""The bot's file has one owner, keeps what was committed, and refuses what it does not understand."""

import pytest
from pysqlite3 import dbapi2 as sqlite3

from bot.database import Database
from bot.migrations import STEPS
from engine.errors import ConfigError


async def test_a_second_bot_on_the_same_data_refuses_in_one_sentence(tmp_path):
    async with Database(tmp_path / "bot.sqlite"):
        with pytest.raises(ConfigError, match="already running") as refused:
            async with Database(tmp_path / "bot.sqlite"):
                pass

    assert "\n" not in str(refused.value)
    async with Database(tmp_path / "bot.sqlite"):
        pass  # the lock went with its owner


async def test_a_file_of_a_newer_version_is_not_touched(tmp_path):
    path = tmp_path / "bot.sqlite"
    async with Database(path):
        pass
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")

    with pytest.raises(ConfigError, match="newer version"):
        async with Database(path):
            pass


async def test_what_fails_half_way_changes_nothing(database):
    def work(connection):
        connection.execute("INSERT INTO meta(name, value) VALUES('a', 1)")
        connection.execute("INSERT INTO meta(name, value) VALUES('a', 2)")

    with pytest.raises(sqlite3.IntegrityError):
        await database.run(work)

    count = await database.run(lambda c: c.execute("SELECT count(*) FROM meta").fetchone()[0])
    assert count == 0


async def test_commits_wait_for_the_disk(database):
    modes = await database.run(
        lambda c: [c.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    )

    assert modes == ["wal", 2]


@pytest.mark.usefixtures("database")
def test_nobody_else_can_read_the_file(tmp_path):
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("bot.*")}

    assert modes == dict.fromkeys(("bot.sqlite", "bot.sqlite-wal", "bot.sqlite-shm", "bot.lock"), 0)


async def test_what_was_blanked_leaves_the_write_ahead_log_too(tmp_path):
    add = "INSERT INTO inbox(source, id, body, arrived_at) VALUES('telegram', 1, CAST('a secret wish' AS BLOB), 0)"
    async with Database(tmp_path / "bot.sqlite") as database:
        await database.run(lambda connection: connection.execute(add).close())
        await database.run(
            lambda connection: connection.execute("UPDATE inbox SET body = NULL, done_at = 1").close()
        )

        await database.empty_log()

        left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"telegram" in left
    assert b"a secret wish" not in left
