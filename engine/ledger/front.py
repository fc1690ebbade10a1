"""The ledger's asynchronous front: one writer thread with group commit, one read-only connection."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self, TextIO, TypeVar

import msgspec
from pysqlite3 import dbapi2 as sqlite3  # Debian 12's own SQLite still has the WAL-reset bug
from sqlite_utils import Database

from engine.errors import ConfigError
from engine.ledger.records import JobRow, Limits
from engine.ledger.verbs import OPEN, Verbs
from engine.migrations import migrate
from engine.schema import JobStatus, Outcome, OutcomePage, SequencedOutcome
from engine.verdicts import Decision, PhotoFacts

T = TypeVar("T")

MAX_BATCH = 256
"""Writes that share one commit at most."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "wal_autocheckpoint=1000",
    "journal_size_limit=67108864",
    "temp_store=MEMORY",
)


class Ledger:
    """The asynchronous front: every write resolves after its commit is on disk. Open it with `async with`."""

    def __init__(self, path: Path, *, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._limits = limits
        self._now = now
        self._inbox: queue.SimpleQueue[tuple[asyncio.Future[Any], Callable[[Verbs], Any]] | None] = (
            queue.SimpleQueue()
        )
        self._lock: TextIO | None = None
        self._reader: Any = None
        self._verbs: Verbs | None = None
        self._thread: threading.Thread | None = None
        self.put_back: list[str] = []
        """Jobs that an earlier start was running; they are queued again."""

    async def __aenter__(self) -> Self:
        """Raises ConfigError when another engine owns the file, or when it is newer or damaged."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _own(self._path.with_suffix(".lock"))
        try:
            self._open()
        except BaseException:
            self._lock.close()
            raise
        self._thread = threading.Thread(target=self._write, name="ledger-writer", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._inbox.put(None)
        if self._thread is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        for connection in (self._reader, self._verbs.connection if self._verbs else None):
            if connection is not None:
                connection.close()
        if self._lock is not None:
            self._lock.close()

    async def write(self, verb: Callable[[Verbs], T]) -> T:
        """Run one verb in a transaction; returns once it is on disk. What the verb raises is raised here."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._inbox.put((future, verb))
        return await future

    def row(self, job_id: str) -> JobRow | None:
        found = self._reader.execute(
            "SELECT id, requester, digest, reply_to, status, accepted, starts, outcome, clip, facts, policy_version, "
            "reported, cancel, virtual_start, number FROM jobs WHERE id = ?",
            (job_id,),
        ).fetchone()
        if found is None:
            return None
        ahead = None
        if found[4] == "queued":
            (ahead,) = self._reader.execute(
                "SELECT count(*) FROM jobs WHERE status = 'queued' AND (virtual_start, number) < (?, ?)",
                found[13:15],
            ).fetchone()
        return JobRow(
            job_id=found[0],
            requester=found[1],
            digest=found[2],
            reply_to=found[3],
            status=JobStatus(found[4]),
            accepted=bool(found[5]),
            starts=found[6],
            ahead=ahead,
            outcome=None if found[7] is None else msgspec.json.decode(found[7], type=Outcome),
            clip=found[8],
            facts=msgspec.json.decode(found[9], type=PhotoFacts),
            policy_version=found[10] or "",
            reported=bool(found[11]),
            cancel=bool(found[12]),
        )

    def rows_of(self, requester: str) -> list[JobRow]:
        """This requester's jobs that have not ended, oldest first."""
        ids = self._reader.execute(
            f"SELECT id FROM jobs WHERE requester = ? AND {OPEN} ORDER BY number", (requester,)
        ).fetchall()
        return [row for (job_id,) in ids if (row := self.row(job_id)) is not None]

    def stored(self, requester: str) -> tuple[int, int]:
        """How many jobs and clips are kept of this requester."""
        jobs, clips = self._reader.execute(
            "SELECT count(*), count(clip) FROM jobs WHERE requester = ?", (requester,)
        ).fetchone()
        return jobs, clips

    def outcomes(self, after: int, *, most: int = 100) -> OutcomePage:
        """Outcomes after the cursor, in order."""
        rows = self._reader.execute(
            "SELECT sequence, body FROM events WHERE kind = 'outcome' AND sequence > ? ORDER BY sequence LIMIT ?",
            (after, most),
        ).fetchall()
        return OutcomePage(
            outcomes=tuple(
                SequencedOutcome(sequence=sequence, outcome=msgspec.json.decode(body, type=Outcome))
                for sequence, body in rows
            )
        )

    def counts(self) -> tuple[int, int]:
        """Jobs queued and running."""
        queued, running = self._reader.execute(
            "SELECT (SELECT count(*) FROM jobs WHERE status = 'queued'), (SELECT count(*) FROM jobs WHERE status = 'running')"
        ).fetchone()
        return queued, running

    def decisions(self, job_id: str) -> list[Decision]:
        """Every gate's decision about a job, in the order in which they fell."""
        rows = self._reader.execute(
            "SELECT body FROM events WHERE job_id = ? AND kind = 'decision' ORDER BY sequence", (job_id,)
        ).fetchall()
        return [msgspec.json.decode(body, type=Decision) for (body,) in rows]

    def files_in_use(self) -> tuple[set[str], set[str]]:
        """Names of photos of open jobs, and of clips that are kept: every other file is an orphan."""
        photos = self._reader.execute(f"SELECT photo FROM jobs WHERE {OPEN} AND photo IS NOT NULL").fetchall()
        clips = self._reader.execute("SELECT clip FROM jobs WHERE clip IS NOT NULL").fetchall()
        return {name for (name,) in photos}, {name for (name,) in clips}

    def admit(self, requester: str) -> None:
        """The same rule as at acceptance, on the reader: asked before a body is read. Raises Busy or QuotaExceeded."""
        Verbs(self._reader, limits=self._limits, now=self._milliseconds).admit(requester)

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)

    def _open(self) -> None:
        connection = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchone()
            if connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
                raise ConfigError(  # noqa: TRY301  # one place closes the connection, whatever was raised
                    "the ledger is damaged: restore a backup of engine.sqlite, or move it away to start anew"
                )
            verbs = Verbs(connection, limits=self._limits, now=self._milliseconds)
            with _transaction(connection):
                migrate(Database(connection, execute_plugins=False))
                self.put_back = verbs.boot()
        except sqlite3.DatabaseError as error:
            connection.close()
            raise ConfigError(
                f"the ledger cannot be opened ({error}): restore a backup of engine.sqlite"
            ) from error
        except BaseException:
            connection.close()
            raise
        self._verbs = verbs
        self._path.chmod(0o600)
        self._reader = sqlite3.connect(
            f"file:{self._path}?mode=ro", uri=True, timeout=10, isolation_level=None, check_same_thread=False
        )
        self._reader.execute("PRAGMA query_only=ON")

    def _write(self) -> None:
        """The writer thread: whatever has gathered meanwhile shares one commit."""
        while (first := self._inbox.get()) is not None:
            batch, last = [first], False
            with contextlib.suppress(queue.Empty):
                while len(batch) < MAX_BATCH and not last:
                    following = self._inbox.get_nowait()
                    if following is None:
                        last = True
                    else:
                        batch.append(following)
            self._commit(batch)
            if last:
                return

    def _commit(self, batch: list[tuple[asyncio.Future[Any], Callable[[Verbs], Any]]]) -> None:
        assert self._verbs is not None
        connection, answers = self._verbs.connection, []
        try:
            with _transaction(connection):
                for _, verb in batch:
                    answers.append(_in_savepoint(connection, verb, self._verbs))
        except Exception as error:  # noqa: BLE001  # the commit failed: nobody may believe that it happened
            answers = [(False, error)] * len(batch)
        for (future, _), (done, value) in zip(batch, answers, strict=True):
            with contextlib.suppress(RuntimeError):  # the loop of a caller that is gone
                future.get_loop().call_soon_threadsafe(_resolve, future, done, value)


def _in_savepoint(connection: Any, verb: Callable[[Verbs], Any], verbs: Verbs) -> tuple[bool, Any]:
    """One bad verb does not spoil the batch, unless it broke the transaction itself (disk full)."""
    connection.execute("SAVEPOINT verb")
    try:
        value = verb(verbs)
    except Exception as error:  # handed to the caller who asked
        if not connection.in_transaction:
            raise
        connection.execute("ROLLBACK TO verb")
        connection.execute("RELEASE verb")
        return False, error
    connection.execute("RELEASE verb")
    return True, value


def _resolve(future: asyncio.Future[Any], done: bool, value: Any) -> None:
    if future.cancelled():
        return
    if done:
        future.set_result(value)
    else:
        future.set_exception(value)


@contextlib.contextmanager
def _transaction(connection: Any) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _own(path: Path) -> TextIO:
    """The kernel drops this lock when the process dies: no stale locks."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise ConfigError(
            "another engine already runs on this data folder: stop it first, or set another `data`"
        ) from error
    return lock
