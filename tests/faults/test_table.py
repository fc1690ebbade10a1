"""The fault table: a full disk, a lock from outside, a spoilt page, a clock that leaps. Each from outside, as it happens.

Two engines and a newer schema are in tests/unit/engine/ledger/test_ledger.py and tests/integration/test_engine_process.py,
for the bot in tests/unit/bot/test_database.py and tests/integration/test_bot_durability.py.
"""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite3
from telegram import Update

from bot.database import Database, StorageError
from bot.inbox import Inbox
from engine.errors import Busy, ConfigError
from engine.ledger import Backups, Job, Ledger, Limits, backups
from engine.schema import JobStatus
from tests.faults.rig import ROOT
from tests.unit.engine.ledger.conftest import Clock, a_request, a_signed_clip, queue

pytestmark = pytest.mark.faults

SEED = int(os.environ.get("ZOETROPE_SEED", str(time.time_ns() % 100_000)))
NO_LIMITS = Limits(depth=10**9, queued_per_requester=10**9, running_per_requester=10**9)
PAGE = 4096
DAY, YEAR = 86_400.0, 365 * 86_400.0


def namespaces() -> bool:
    return not subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode


@pytest.mark.skipif(shutil.which("unshare") is None or not namespaces(), reason="no namespace, no small disk")
async def test_a_full_disk_refuses_in_words_loses_nothing_and_needs_no_restart():
    ran = await asyncio.create_subprocess_exec(
        *("unshare", "-Urm", sys.executable, "-m", "tests.faults.full_disk"), cwd=ROOT, stdout=subprocess.PIPE
    )
    told = json.loads((await ran.communicate())[0])

    assert told["accepted_but_missing"] == told["refused_but_there"] == 0, told
    assert told["refused"] > 0, told
    assert told["answers_while_full"], told
    assert told["animated"] == told["accepted"] + 1, told
    assert told["broken"] == []


def hold_the_lock(path: Path, *, seconds: float) -> threading.Thread:
    """Somebody has the file open in another program, and began to write. Returns once the lock is held."""
    held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(seconds)
            other.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    return holder


async def test_a_lock_from_outside_is_waited_for_and_one_that_stays_is_a_busy_engine(tmp_path):
    path = tmp_path / "engine.sqlite"
    first, second = a_request(), a_request()
    async with Ledger(path, limits=NO_LIMITS) as ledger:
        holder = hold_the_lock(path, seconds=0.5)
        await queue(ledger, first)
        holder.join()

        await ledger.write(lambda verbs: verbs.connection.execute("PRAGMA busy_timeout=100").fetchone())
        holder = hold_the_lock(path, seconds=1.5)
        with pytest.raises(Busy):
            await queue(ledger, second)
        assert ledger.row(second.job_id) is None
        assert ledger.row(first.job_id).status is JobStatus.QUEUED, "reads go on meanwhile"
        holder.join()

        await queue(ledger, second)
        assert await ledger.write(lambda verbs: verbs.check()) == []


async def test_a_lock_on_the_bots_file_delays_an_update_and_loses_none(tmp_path):
    path = tmp_path / "bot.sqlite"
    async with Database(path) as database:
        inbox = Inbox(database, now=time.time)
        holder = hold_the_lock(path, seconds=0.5)
        assert await inbox.accept(Update(update_id=1))
        holder.join()

        await database.run(lambda connection: connection.execute("PRAGMA user_version").fetchone())
        await database._on_thread(lambda: database._connection.execute("PRAGMA busy_timeout=100").fetchone())
        holder = hold_the_lock(path, seconds=1.0)
        with pytest.raises(StorageError):
            await inbox.accept(Update(update_id=2))
        holder.join()
        assert await inbox.accept(Update(update_id=2))


async def test_a_spoilt_page_is_refused_at_the_start_and_a_backup_brings_the_ledger_back(tmp_path):
    print("seed", SEED)
    chance, path = random.Random(SEED), tmp_path / "engine.sqlite"
    async with Ledger(path, limits=NO_LIMITS) as ledger:
        requests = [a_request(f"person-{number % 20}", prompt="words " * 60) for number in range(300)]
        await asyncio.gather(*(queue(ledger, request) for request in requests))
        await Backups(path).take()
    whole = path.read_bytes()
    refused = 0

    for page in chance.sample(range(len(whole) // PAGE), 25):
        path.write_bytes(whole[: page * PAGE] + chance.randbytes(PAGE) + whole[(page + 1) * PAGE :])
        try:
            async with Ledger(path, limits=NO_LIMITS) as ledger:
                assert await ledger.write(lambda verbs: verbs.check()) == []
                assert all(ledger.row(request.job_id) for request in requests), "served from a spoilt file"
        except ConfigError:
            refused += 1
    backups.restore(path)

    assert refused >= 20  # a page that is not in use may be spoilt unnoticed
    async with Ledger(path, limits=NO_LIMITS) as ledger:
        assert await ledger.write(lambda verbs: verbs.check()) == []
        assert all(ledger.row(request.job_id).status is JobStatus.QUEUED for request in requests)


async def test_a_spoilt_page_of_the_bots_file_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "bot.sqlite"
    async with Database(path) as database:
        inbox = Inbox(database, now=time.time)
        for number in range(200):
            await inbox.accept(Update(update_id=number))
    whole = path.read_bytes()
    path.write_bytes(whole[:PAGE] + os.urandom(len(whole) - PAGE))

    with pytest.raises(ConfigError, match="is damaged"):
        async with Database(path):
            pass


async def finish(ledger: Ledger, job: Job, path: Path) -> JobStatus | None:
    return await ledger.write(
        lambda verbs: verbs.finish(job.request.job_id, job.attempt, a_signed_clip(path))
    )


@pytest.mark.parametrize("leap", [-DAY, 10 * YEAR], ids=["back a day", "forward ten years"])
async def test_a_clock_that_leaps_delays_no_job_and_ends_none_twice(tmp_path, leap):
    clock = Clock()
    async with Ledger(tmp_path / "engine.sqlite", limits=NO_LIMITS, now=clock) as ledger:
        first, second, third = (a_request(f"person-{number}") for number in range(3))
        for request in (first, second):
            await queue(ledger, request)
        begun = await ledger.write(lambda verbs: verbs.claim())

        clock.seconds += leap
        await queue(ledger, third)
        ended = [begun, *[await ledger.write(lambda verbs: verbs.claim()) for _ in range(2)]]
        for job in ended:
            assert await finish(ledger, job, tmp_path) is JobStatus.ANIMATED
            assert await finish(ledger, job, tmp_path) is None

        told = [it.outcome.job_id for it in ledger.outcomes(0).outcomes]
        assert told == [request.job_id for request in (first, second, third)]
        assert await ledger.write(lambda verbs: verbs.claim()) is None
        assert await ledger.write(lambda verbs: verbs.check()) == []
