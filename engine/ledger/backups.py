"""Copies of the ledger, taken while it is in use, and how one becomes the ledger again.

A backup holds what the ledger held: captions too. It is for its owner only, lives for a day, and an erasure takes a new one
and removes those from before.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pysqlite3 import dbapi2 as sqlite3

from engine import logs
from engine.errors import ConfigError
from engine.ledger.owner import own
from engine.ledger.registry import open_reader

EVERY_SECONDS = 600.0
KEPT_SECONDS = 86_400.0

_NAME = re.compile(r"(engine|damaged)-(\d{8})\.sqlite")
_BESIDE = ("", "-wal", "-shm")

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole copy. `taken_at` is Unix seconds; `number` grows, whatever the clock does."""

    path: Path
    number: int
    taken_at: float
    size_bytes: int


class Backups:
    """Takes one at the start of the block and then every ten minutes, in a thread beside the ledger's."""

    def __init__(
        self, ledger: Path, *, every_seconds: float = EVERY_SECONDS, now: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._folder = folder_of(ledger)
        self._every_seconds = every_seconds
        self._now = now
        self._turn = asyncio.Lock()
        self._taking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._taking = asyncio.create_task(self._take_now_and_then())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._taking is not None
        self._taking.cancel()
        await asyncio.wait([self._taking])
        async with self._turn:  # a copy that has begun ends by itself
            pass

    async def take(self) -> Backup | None:
        """None where the disk did not take it, or where the ledger itself is damaged: older ones stay then."""
        async with self._turn:
            copying = asyncio.create_task(asyncio.to_thread(self._take))
            return await asyncio.shield(copying)

    async def forget(self) -> None:
        """After an erasure: a new backup, and none from before. Where there is no room for it, no backup at all."""
        taken = await self.take()
        for backup in find(self._ledger):
            if taken is None or backup.number < taken.number:
                backup.path.unlink(missing_ok=True)
        _remove_damaged(self._folder)

    async def _take_now_and_then(self) -> None:
        while True:
            await self.take()
            await asyncio.sleep(self._every_seconds)

    def _take(self) -> Backup | None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        number = max((it.number for it in find(self._ledger)), default=0) + 1
        path = self._folder / f"engine-{number:08d}.sqlite"
        unfinished = path.with_suffix(".tmp")
        began = time.monotonic()
        try:
            unfinished.unlink(missing_ok=True)
            os.close(os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            _copy(self._ledger, unfinished)
            _sync(unfinished)
            unfinished.replace(path)
            _sync(self._folder)
        except (OSError, sqlite3.Error) as error:
            unfinished.unlink(missing_ok=True)
            damaged = isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error)
            log.critical(
                "no backup", why=type(error).__name__, ledger_is_damaged=damaged
            )  # its path is no news
            return None
        about = path.stat()
        taken = Backup(path, number, about.st_mtime, about.st_size)
        log.info("backup taken", size_bytes=taken.size_bytes, seconds=round(time.monotonic() - began, 3))
        self._prune(taken)
        return taken

    def _prune(self, newest: Backup) -> None:
        """What is a day old goes; and what says that it comes from the future, after a clock that was wrong."""
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                age = self._now() - path.stat().st_mtime
                if path != newest.path and not -KEPT_SECONDS < age < KEPT_SECONDS:
                    path.unlink()


def folder_of(ledger: Path) -> Path:
    return ledger.parent / "backups"


def find(ledger: Path) -> list[Backup]:
    """The backups of a ledger, the newest first."""
    folder = folder_of(ledger)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name and name[1] == "engine":
            about = path.stat()
            found.append(Backup(path, int(name[2]), about.st_mtime, about.st_size))
    return sorted(found, key=lambda it: -it.number)


def restore(ledger: Path, *, name: str | None = None, now: Callable[[], float] = time.time) -> Backup:
    """Make a backup the ledger: the newest that is whole, or the one of this name. What was there moves aside, for a day.

    Outcomes get numbers from now on that no bot has seen. Raises ConfigError.
    """
    lock = own(ledger.with_suffix(".lock"))
    try:
        chosen = _choose(ledger, name)
        copy = ledger.with_suffix(".restored")
        copy.unlink(missing_ok=True)
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        _copy(chosen.path, copy)
        _skip_ahead(copy, int(now() * 1000))
        _sync(copy)
        _move_aside(ledger, now())
        copy.replace(ledger)
        _sync(ledger.parent)
        return chosen
    finally:
        os.close(lock)


def _choose(ledger: Path, name: str | None) -> Backup:
    backups = [it for it in find(ledger) if name in {None, it.path.name}]
    for backup in backups:
        try:
            _check(backup.path)
        except sqlite3.DatabaseError:
            log.warning("backup is damaged", backup=backup.path.name)
            continue
        return backup
    wanted = f"{name} is not there or damaged" if name else "there is no backup that is whole"
    raise ConfigError(f"{wanted}; `python -m engine restore --list` names those in {folder_of(ledger).name}/")


def _copy(source: Path, target: Path) -> None:
    """One transaction's view of it, whole and checked. Raises sqlite3.Error."""
    with closing(open_reader(source)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer)
        writer.execute("PRAGMA journal_mode=DELETE").fetchone()
    _check(target)


def _check(path: Path) -> None:
    """Raises sqlite3.DatabaseError."""
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as reader:
        (found,) = reader.execute("PRAGMA quick_check").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(f"malformed: {found}")


def _skip_ahead(path: Path, number: int) -> None:
    """The feed goes on where no cursor has been: a bot that saw outcomes after the backup sees the new ones too."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'events'", (number,))
        connection.commit()


def _move_aside(ledger: Path, now: float) -> None:
    folder = folder_of(ledger)
    numbers = [int(name[2]) for path in folder.iterdir() if (name := _NAME.fullmatch(path.name))]
    aside = folder / f"damaged-{max(numbers, default=0) + 1:08d}.sqlite"
    for suffix in _BESIDE:
        with contextlib.suppress(FileNotFoundError):
            moved = ledger.with_name(ledger.name + suffix).rename(aside.with_name(aside.name + suffix))
            os.utime(moved, (now, now))


def _remove_damaged(folder: Path) -> None:
    for path in folder.glob("damaged-*"):
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """A file, or what a folder lists."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
