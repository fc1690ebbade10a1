"""The bot's SQLite file: one owner, one thread, and every change a transaction of its own."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec
from pysqlite3 import dbapi2 as sqlite3  # Debian 12's own SQLite still has the WAL-reset bug

from bot.migrations import NewerFile, migrate
from engine.errors import ConfigError

T = TypeVar("T")
Connection = Any
"""A `sqlite3.Connection`; pysqlite3 has no types."""

StorageError: type[Exception] = sqlite3.Error


class Database:
    """Open it with `async with`. Raises ConfigError when another bot has it, or when it is newer than we are."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="bot-database")
        self._connection: Connection = None
        self._lock = -1

    async def __aenter__(self) -> Self:
        try:
            await self._on_thread(self._open)
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._on_thread(self._close)
        self._thread.shutdown()

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, once its changes are on disk. Raises StorageError, and then nothing is changed."""
        return await self._on_thread(lambda: self._transact(work))

    async def empty_log(self) -> None:
        """What was removed must not lie on in the write-ahead log. `secure_delete` did the pages."""
        await self._on_thread(lambda: self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())

    async def _on_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _transact(self, work: Callable[[Connection], T]) -> T:
        # IMMEDIATE: a deferred transaction that turns into a writer fails at once instead of waiting.
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._connection)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return result

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self._path.with_suffix(".lock"))
        self._connection = _connect(self._path)
        self._transact(self._migrate)

    def _migrate(self, connection: Connection) -> None:
        try:
            migrate(connection)
        except NewerFile:
            raise ConfigError(
                f"{self._path.name} was written by a newer version; install that one, or move the file"
            ) from None

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lock >= 0:
            os.close(self._lock)


def read_as(kind: type[T], row: Any) -> T:
    """A row as the frozen struct whose fields its columns are; further columns are left out."""
    return msgspec.convert(dict(row), type=kind, strict=False)


def insert(connection: Connection, table: str, value: msgspec.Struct, **further: object) -> bool:
    """Insert a struct, column by field; false when its key is there already."""
    columns = msgspec.structs.asdict(value) | further
    names = ", ".join(columns)
    marks = ", ".join("?" for _ in columns)
    statement = f"INSERT INTO {table}({names}) VALUES({marks}) ON CONFLICT DO NOTHING"
    return bool(connection.execute(statement, tuple(columns.values())).rowcount)


def _lock(path: Path) -> int:
    """Own the data until this process ends; the kernel lets go of it even after `kill -9`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ConfigError(f"another bot is already running on {path.parent.name}/; stop it first") from None
    return descriptor


def _is_whole(connection: Connection) -> bool:
    try:
        return bool(connection.execute("PRAGMA quick_check").fetchone()[0] == "ok")
    except sqlite3.DatabaseError as error:
        if isinstance(
            error, sqlite3.OperationalError
        ):  # locked, or a disk that does not answer: another trouble
            raise
        return False


def _connect(path: Path) -> Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    # FULL: an update is acknowledged to Telegram after the commit, so the commit must survive a power cut.
    if not _is_whole(connection):
        connection.close()
        raise ConfigError(
            f"{path.name} is damaged: move it away to start anew, or put a copy of yours in its place"
        )
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "journal_size_limit=16777216"):
        connection.execute(f"PRAGMA {pragma}").fetchone()
    return connection
