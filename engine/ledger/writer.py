"""One thread that writes: whatever has gathered meanwhile shares one commit, and is answered when it is on disk."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pysqlite3 import dbapi2 as sqlite3  # Debian 12's own SQLite still has the WAL-reset bug

from engine import logs
from engine.errors import Busy
from engine.ledger.verbs import Verbs

T = TypeVar("T")

MAX_BATCH = 256
"""Writes that share one commit at most."""

_NOT_NOW = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_IOERR")
"""What the machine may get over: no space, a lock held from outside for long, a disk that does not answer."""

_RETRY_AFTER_SECONDS = 30.0

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Order:
    """A verb, and the future that waits for it in the caller's loop."""

    verb: Callable[[Verbs], Any]
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any = None
    error: Exception | None = None


class Writer:
    """Owns the writing connection from `start` to `close`."""

    def __init__(self, verbs: Verbs) -> None:
        self._verbs = verbs
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._closed = False

    def start(self) -> None:
        self._thread.start()

    async def write(self, verb: Callable[[Verbs], T]) -> T:
        """Run one verb in a transaction; returns once it is on disk. What the verb raises is raised here.

        Raises Busy when the disk does not take it now; then nothing of it happened.
        """
        if self._closed:
            raise RuntimeError("the ledger is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._orders.put(_Order(verb, future))
        return await future

    async def close(self) -> None:
        """Returns when everything that was asked for is written."""
        self._closed = True
        self._orders.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        while (first := self._orders.get()) is not None:
            batch, last = self._gather(first)
            answers = self._commit(batch)
            self._empty_log()
            _hand_out(batch, answers)
            if last:
                return

    def _gather(self, first: _Order) -> tuple[list[_Order], bool]:
        """Everything that waits, without waiting for more; true when nothing comes after it."""
        batch = [first]
        with contextlib.suppress(queue.Empty):
            while len(batch) < MAX_BATCH:
                following = self._orders.get_nowait()
                if following is None:
                    return batch, True
                batch.append(following)
        return batch, False

    def _commit(self, batch: list[_Order]) -> list[_Answer]:
        try:
            with transaction(self._verbs.connection):
                return [self._perform(order) for order in batch]
        except Exception as error:  # noqa: BLE001  # the commit failed: nobody may believe that it happened
            return [_Answer(error=_as_surprise(error))] * len(batch)

    def _empty_log(self) -> None:
        """After an erasure: what was forgotten must not lie on in the write-ahead log. `secure_delete` did the pages."""
        if self._verbs.empty_log:
            try:
                busy, *_ = self._verbs.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                self._verbs.empty_log = bool(busy)  # a reader was in the way
            except sqlite3.Error as error:  # tried again after the next commit
                log.warning("the write-ahead log could not be emptied", kind=type(error).__name__)

    def _perform(self, order: _Order) -> _Answer:
        """One bad verb does not spoil the batch, unless it broke the transaction itself (disk full)."""
        connection = self._verbs.connection
        connection.execute("SAVEPOINT verb")
        try:
            value = order.verb(self._verbs)
        except Exception as error:  # handed to the caller who asked
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO verb")
            connection.execute("RELEASE verb")
            return _Answer(error=_as_surprise(error))
        connection.execute("RELEASE verb")
        return _Answer(value=value)


@contextlib.contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """IMMEDIATE: a deferred transaction that turns into a writer fails at once instead of waiting."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _as_surprise(error: Exception) -> Exception:
    code = str(getattr(error, "sqlite_errorname", ""))
    if isinstance(error, sqlite3.OperationalError) and code.startswith(_NOT_NOW):
        log.error("the ledger cannot write", code=code)
        return Busy(_RETRY_AFTER_SECONDS)
    return error


def _hand_out(batch: list[_Order], answers: list[_Answer]) -> None:
    """One call for all that wait in one loop: waking it costs as much as a statement."""
    waiting: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], _Answer]]] = {}
    for order, answer in zip(batch, answers, strict=True):
        waiting.setdefault(order.future.get_loop(), []).append((order.future, answer))
    for loop, pairs in waiting.items():
        with contextlib.suppress(RuntimeError):  # the loop of callers that are gone
            loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: list[tuple[asyncio.Future[Any], _Answer]]) -> None:
    for future, answer in pairs:
        if future.cancelled():
            continue
        if answer.error is not None:
            future.set_exception(answer.error)
        else:
            future.set_result(answer.value)
