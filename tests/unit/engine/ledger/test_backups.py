"""Backups: taken while the ledger works, gone when they must be, and a ledger again when that is asked for."""

import os
import stat
from pathlib import Path

import pytest

from engine.errors import ConfigError
from engine.ledger import Backups, Ledger, backups
from engine.schema import JobStatus
from tests.unit.engine.ledger.conftest import Clock, a_request, a_signed_clip, queue


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sqlite"


async def one(path: Path) -> backups.Backup:
    taken = await Backups(path).take()
    assert taken is not None
    return taken


def flip(path: Path) -> None:
    """Other bytes in the middle of a page."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(os.urandom(4096))


async def animate(ledger: Ledger, path: Path) -> str:
    await queue(ledger, a_request("ann-hash"))
    job = await ledger.write(lambda verbs: verbs.claim())
    await ledger.write(lambda verbs: verbs.finish(job.request.job_id, job.attempt, a_signed_clip(path)))
    return job.request.job_id


async def test_what_was_there_at_the_backup_is_there_after_a_restore(opened, path: Path) -> None:
    before, after = a_request("ann-hash"), a_request("bob-hash")
    async with opened() as ledger:
        await queue(ledger, before)
        taken = await one(path)
        await queue(ledger, after)
    flip(path)
    with pytest.raises(ConfigError, match="engine restore"):
        async with opened():
            pass

    restored = backups.restore(path)

    assert restored == taken
    async with opened() as ledger:
        assert ledger.row(before.job_id).status is JobStatus.QUEUED
        assert ledger.row(after.job_id) is None
        assert await ledger.write(lambda verbs: verbs.check()) == []
    assert [it.name for it in taken.path.parent.glob("damaged-*.sqlite")] == ["damaged-00000002.sqlite"]


async def test_a_bot_that_saw_more_than_the_backup_has_still_sees_what_comes(opened, path: Path) -> None:
    async with opened() as ledger:
        await one(path)
        await animate(ledger, path)
        seen = ledger.outcomes(0).outcomes[-1].sequence

    backups.restore(path)

    async with opened() as ledger:
        ended = await animate(ledger, path)
        assert [it.outcome.job_id for it in ledger.outcomes(seen).outcomes] == [ended]


async def test_a_backup_that_is_damaged_is_passed_over(opened, path: Path) -> None:
    async with opened() as ledger:
        await queue(ledger, a_request())
        whole = await one(path)
        flip((await one(path)).path)

    assert backups.restore(path) == whole


async def test_without_a_whole_backup_nothing_is_touched(opened, path: Path) -> None:
    async with opened() as ledger:
        await queue(ledger, a_request())
        flip((await one(path)).path)
    before = path.read_bytes()

    with pytest.raises(ConfigError, match="no backup that is whole"):
        backups.restore(path)

    assert path.read_bytes() == before


async def test_a_running_engine_is_not_restored_under_its_feet(opened, path: Path) -> None:
    async with opened():
        await one(path)
        with pytest.raises(ConfigError, match="already runs"):
            backups.restore(path)


async def test_an_erasure_leaves_nothing_in_the_backups(opened, path: Path) -> None:
    words = "a sentence that nobody else would write"
    async with opened() as ledger:
        await queue(ledger, a_request("ann-hash", prompt=words))
        kept = Backups(path)
        await kept.take()
        await kept.take()
        assert words.encode() in backups.find(path)[0].path.read_bytes()

        await ledger.write(lambda verbs: verbs.erase("ann-hash"))
        await kept.forget()

    (left,) = backups.find(path)
    assert not [it for it in path.parent.rglob("*") if it.is_file() and words.encode() in it.read_bytes()]
    assert left.number == 3


async def test_a_day_old_goes_and_the_newest_stays_whatever_the_clock_says(opened, path: Path) -> None:
    clock = Clock(seconds=path.parent.stat().st_mtime)
    async with opened() as ledger:
        await queue(ledger, a_request())
        kept = Backups(path, now=clock)
        await kept.take()
        clock.seconds += 10 * 365 * 86_400
        await kept.take()
        newest = await kept.take()

    assert backups.find(path)[0].path == newest.path


async def test_a_backup_is_for_its_owner_only(opened, path: Path) -> None:
    async with opened():
        taken = await one(path)

    assert stat.S_IMODE(taken.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(taken.path.parent.stat().st_mode) == 0o700
    assert sorted(it.name for it in taken.path.parent.iterdir()) == [taken.path.name]


async def test_backups_are_taken_while_others_write(opened, path: Path) -> None:
    async with opened() as ledger, Backups(path, every_seconds=0.01):
        while len(backups.find(path)) < 3:
            await animate(ledger, path)
    newest = backups.find(path)[0]

    backups.restore(path)

    assert newest.number >= 3
    async with opened() as ledger:
        assert await ledger.write(lambda verbs: verbs.check()) == []
