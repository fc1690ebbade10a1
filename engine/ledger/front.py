"""The ledger's asynchronous front: writes go to the writer's thread, reads to a second, read-only connection."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
from pysqlite3 import dbapi2 as sqlite3  # Debian 12's own SQLite still has the WAL-reset bug
from sqlite_utils import Database

from engine.errors import ConfigError
from engine.ledger import registry
from engine.ledger.operators import count_figures
from engine.ledger.owner import own
from engine.ledger.records import JobRow, KnownClip, Limits
from engine.ledger.statements import OPEN
from engine.ledger.verbs import NEXT, Verbs
from engine.ledger.writer import Writer, transaction
from engine.migrations import migrate
from engine.schema import Figures, JobRequest, JobStatus, Outcome, OutcomePage, SequencedOutcome
from engine.verdicts import Decision, PhotoFacts

T = TypeVar("T")

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "wal_autocheckpoint=1000",
    "journal_size_limit=67108864",
    "temp_store=MEMORY",
)

_COLUMNS = (
    "id, requester, digest, reply_to, status, accepted, starts, outcome, clip, facts, policy_version, "
    "reported, cancel, virtual_start, number, removed"
)


class Ledger:
    """Every write resolves after its commit is on disk. Open it with `async with`.

    Reads are short and may be asked from the event loop; they never see half of a commit.
    """

    def __init__(self, path: Path, *, limits: Limits, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._limits = limits
        self._now = now
        self._lock = -1
        self._verbs: Verbs | None = None
        self._writer: Writer | None = None
        self._reader: Any = None
        self.put_back: list[str] = []
        """Jobs that an earlier start was running; they are queued again."""

    async def __aenter__(self) -> Self:
        """Raises ConfigError when another engine owns the file, or when it is newer or damaged."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = own(self._path.with_suffix(".lock"))
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            self._close()
            raise
        assert self._verbs is not None
        self._writer = Writer(self._verbs)
        self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            await self._writer.close()
        self._close()

    async def write(self, verb: Callable[[Verbs], T]) -> T:
        """Run one verb in a transaction; returns once it is on disk. What the verb raises is raised here.

        Raises Busy when the disk does not take it now; then nothing of it happened.
        """
        assert self._writer is not None, "open the ledger with `async with` first"
        return await self._writer.write(verb)

    def set_limits(self, limits: Limits) -> None:
        """From the next job on; what is queued already stays."""
        assert self._verbs is not None, "open the ledger with `async with` first"
        self._limits = self._verbs.limits = limits

    def row(self, job_id: str) -> JobRow | None:
        found = self._one(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,))
        if found is None:
            return None
        ahead = None
        if found[4] == "queued":
            (ahead,) = self._one(
                "SELECT count(*) FROM jobs WHERE status = 'queued' AND (virtual_start, number) < (?, ?)",
                found[13:15],
            )
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
            removed=bool(found[15]),
        )

    def request_of(self, job_id: str, requester: str) -> JobRequest | None:
        """What this requester asked for; None for somebody else's job, and once its words are past their time."""
        found = self._one("SELECT request FROM jobs WHERE id = ? AND requester = ?", (job_id, requester))
        return None if found is None or found[0] is None else msgspec.json.decode(found[0], type=JobRequest)

    def rows_of(self, requester: str) -> list[JobRow]:
        """This requester's jobs that have not ended, oldest first."""
        ids = self._all(f"SELECT id FROM jobs WHERE requester = ? AND {OPEN} ORDER BY number", (requester,))
        return [row for (job_id,) in ids if (row := self.row(job_id)) is not None]

    def stored(self, requester: str) -> tuple[int, int]:
        """How many jobs and clips are kept of this requester."""
        jobs, clips = self._one("SELECT count(*), count(clip) FROM jobs WHERE requester = ?", (requester,))
        return jobs, clips

    @property
    def paused(self) -> bool:
        row = self._one("SELECT value FROM meta WHERE name = 'paused'")
        return bool(row and row[0])

    def figures(self, *, days: float) -> Figures:
        return count_figures(self._all, since_ms=int((self._now() - days * 86_400) * 1000))

    def outcomes(self, after: int, *, most: int = 100) -> OutcomePage:
        """Outcomes after the cursor, in order."""
        rows = self._all(
            "SELECT sequence, body FROM events WHERE kind = 'outcome' AND sequence > ? ORDER BY sequence LIMIT ?",
            (after, most),
        )
        return OutcomePage(
            outcomes=tuple(
                SequencedOutcome(sequence=sequence, outcome=msgspec.json.decode(body, type=Outcome))
                for sequence, body in rows
            )
        )

    def find_watermark(self, number: int) -> KnownClip | None:
        """The clip that carries this number in its pixels."""
        return registry.find_watermark(self._reader, number)

    async def find_fingerprint(self, fingerprint: bytes) -> KnownClip | None:
        """The nearest clip, where it is near enough to be a copy: a tenth of a second for 100,000."""
        return await asyncio.to_thread(registry.find_fingerprint, self._path, fingerprint)

    def counts(self) -> tuple[int, int]:
        """Jobs queued and running."""
        queued, running = self._one(
            "SELECT (SELECT count(*) FROM jobs WHERE status = 'queued'), "
            "(SELECT count(*) FROM jobs WHERE status = 'running')"
        )
        return queued, running

    def claimable(self) -> bool:
        """A claim would find a job now."""
        return self._one(f"SELECT 1 {NEXT}", (self._limits.running_per_requester,)) is not None

    def recent_seconds(self, *, most: int = 20) -> list[float]:
        """How long the last clips took, from claim to end, the newest last."""
        rows = self._all(
            "SELECT ended_at - started_at FROM jobs WHERE status = 'animated' ORDER BY ended_at DESC LIMIT ?",
            (most,),
        )
        return [max(0, milliseconds) / 1000 for (milliseconds,) in reversed(rows)]

    def decisions(self, job_id: str) -> list[Decision]:
        """Every gate's decision about a job, in the order in which they fell."""
        rows = self._all(
            "SELECT body FROM events WHERE job_id = ? AND kind = 'decision' ORDER BY sequence", (job_id,)
        )
        return [msgspec.json.decode(body, type=Decision) for (body,) in rows]

    def history(self, job_id: str) -> list[str]:
        """What happened to a job: the kinds of its events, in order."""
        rows = self._all("SELECT kind FROM events WHERE job_id = ? ORDER BY sequence", (job_id,))
        return [kind for (kind,) in rows]

    def files_in_use(self) -> tuple[set[str], set[str]]:
        """Names of photos of open jobs, and of clips that are kept: every other file is an orphan."""
        photos = self._all(f"SELECT photo FROM jobs WHERE {OPEN}")
        clips = self._all("SELECT clip FROM jobs WHERE clip IS NOT NULL")
        return {photo for (photo,) in photos}, {clip for (clip,) in clips}

    def needs_photo(self, photo: str) -> bool:
        """An open job names it; it is named by that job."""
        return self._one(f"SELECT 1 FROM jobs WHERE id = ? AND photo = id AND {OPEN}", (photo,)) is not None

    def admit(self, requester: str | None, group: str | None = None) -> None:
        """The same rule as at acceptance, on the reader: asked before a body is read. Raises Busy or QuotaExceeded."""
        Verbs(self._reader, limits=self._limits, now=self._milliseconds).admit(requester, group)

    def is_suspended(self, requester: str) -> bool:
        """An operator keeps this requester from making and sharing for now."""
        until = self._one("SELECT until FROM suspensions WHERE requester = ?", (requester,))
        return until is not None and (until[0] is None or until[0] > self._milliseconds())

    def _one(self, sql: str, values: tuple[object, ...] = ()) -> Any:
        return self._reader.execute(sql, values).fetchone()

    def _all(self, sql: str, values: tuple[object, ...] = ()) -> list[Any]:
        rows: list[Any] = self._reader.execute(sql, values).fetchall()
        return rows

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)

    def _open(self) -> None:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._path.chmod(0o600)
        try:
            self._verbs = Verbs(_connect(self._path), limits=self._limits, now=self._milliseconds)
            with transaction(self._verbs.connection):
                migrate(Database(self._verbs.connection, execute_plugins=False))
                self.put_back = self._verbs.boot()
        except sqlite3.DatabaseError as error:
            raise ConfigError(
                f"the ledger cannot be opened ({error}): `python -m engine restore` brings the last backup back"
            ) from error
        self._reader = registry.open_reader(self._path)

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        if self._verbs is not None:
            self._verbs.connection.close()
        os.close(self._lock)


def _connect(path: Path) -> Any:
    """The writing connection. Raises ConfigError when pages are damaged, DatabaseError when it is no database."""
    connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}").fetchone()
        if connection.execute("PRAGMA quick_check").fetchone()[0] == "ok":
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise ConfigError(
        "the ledger is damaged: `python -m engine restore` brings the last backup back; or move it away to start anew"
    )
