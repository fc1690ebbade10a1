"""The ledger's tables: made once, by one of two who try, and never by a program that is too old."""

import threading
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite3
from sqlite_utils import Database

from engine.errors import ConfigError
from engine.ledger.writer import transaction
from engine.migrations import migrate, migrations


def connected(path: Path):
    return sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)


def migrate_at(path: Path) -> None:
    connection = connected(path)
    with transaction(connection):
        migrate(Database(connection, execute_plugins=False))
    connection.close()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "engine.sqlite"
    migrate_at(path)
    before = list(connected(path).execute("SELECT * FROM sqlite_master"))

    migrate_at(path)

    assert list(connected(path).execute("SELECT * FROM sqlite_master")) == before


def test_two_who_start_at_once_both_find_the_tables(tmp_path: Path) -> None:
    path, failed = tmp_path / "engine.sqlite", []

    def start() -> None:
        try:
            migrate_at(path)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test must see it
            failed.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    (applied,) = connected(path).execute("SELECT count(*) FROM _sqlite_migrations").fetchone()
    assert applied == len(migrations._migrations)


def test_a_newer_file_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "engine.sqlite"
    migrate_at(path)
    newer = connected(path)
    newer.execute(
        "INSERT INTO _sqlite_migrations(migration_set, name, applied_at) VALUES ('engine', 'm999_later', 'now')"
    )
    newer.close()

    with pytest.raises(ConfigError, match=r"m999_later.*upgrade"):
        migrate_at(path)


def test_a_status_that_nobody_knows_cannot_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "engine.sqlite"
    migrate_at(path)

    with pytest.raises(sqlite3.IntegrityError):
        connected(path).execute(
            "INSERT INTO jobs(id, digest, requester, reply_to, status, accepted, created_at) "
            "VALUES ('a', 'b', 'c', 'd', 'rendering', 1, 0)"
        )
