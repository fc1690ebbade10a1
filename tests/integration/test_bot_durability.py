"""`python -m bot run` as a process of its own, killed without warning while updates come in."""

import asyncio
import os
import random
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.playground.server import Playground

KILLS = 12
BURST = 18
PATIENCE_SECONDS = 240
"""Nothing takes so long, also on a machine that is very busy; what does will not come any more."""


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    async with Playground() as started:
        yield started


@pytest.fixture
def config(tmp_path: Path, playground: Playground) -> Path:
    """A bot on this playground, without an engine."""
    path = tmp_path / "config.toml"
    path.write_text(f"[playground]\nport = {playground.port}\n[web]\nport = 0\n")
    return path


async def start(config: Path) -> asyncio.subprocess.Process:
    log = (config.parent / "bot.log").open("a")
    command = (sys.executable, "-m", "bot", "run", "--playground", "--config", str(config))
    environment = {"OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"]}
    with log:
        return await asyncio.create_subprocess_exec(*command, stderr=log, env=environment)


@asynccontextmanager
async def running(config: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await start(config)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def greeted(playground: Playground, times: int) -> None:
    """Wait until a bot has said hello to Telegram so often; it polls right after."""

    async def enough():
        return len(await playground.play.calls("deleteWebhook")) >= times or None

    await playground.play.wait_until(enough, timeout=PATIENCE_SECONDS)


async def strangers_ask(playground: Playground, count: int) -> None:
    """Each from a chat of its own, so that they are handled side by side and no limit slows them down."""
    for _ in range(count):
        person = random.randrange(10**9, 10**10)
        message = {
            "message_id": 1,
            "date": 1_800_000_000,
            "chat": {"id": person, "type": "private"},
            "from": {"id": person, "is_bot": False, "first_name": "Stranger"},
            "text": "/help",
            "entities": [{"type": "bot_command", "offset": 0, "length": 5}],
        }
        await playground.play.update("message", message)


def count(config: Path, query: str) -> int:
    with sqlite3.connect(f"file:{config.parent / 'data' / 'bot.sqlite'}?mode=ro", uri=True) as connection:
        return int(connection.execute(query).fetchone()[0])


async def until_equal(config: Path, query: str, wanted: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while count(config, query) != wanted:
            await asyncio.sleep(0.1)


@pytest.mark.faults
async def test_twelve_kills_lose_no_update_and_leave_nobody_without_an_answer(config, playground):
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    asked = []
    for round_number in range(1, KILLS + 1):
        async with running(config):
            await greeted(playground, round_number)
            asked.append((await playground.play.send_text("ann", "/help")).id)
            await strangers_ask(playground, BURST)
            await asyncio.sleep(dice.uniform(0, 0.5))
    total = KILLS * (BURST + 1)

    async with running(config):
        await until_equal(config, "SELECT count(*) FROM inbox WHERE done_at IS NOT NULL", total)
        await until_equal(config, "SELECT count(*) FROM outbox WHERE ended_at IS NOT NULL", total)

    answered = {seen.reply_to for seen in await playground.play.messages("ann") if seen.from_bot}
    assert answered == set(asked)
    assert count(config, "SELECT count(*) FROM inbox") == total
    assert count(config, "SELECT count(*) FROM outbox WHERE state IN ('sent', 'undeliverable')") == total


@pytest.mark.faults
async def test_a_second_bot_on_the_same_data_refuses_in_one_sentence(config, playground):
    async with running(config):
        await greeted(playground, 1)

        second = await start(config)
        code = await second.wait()

    last_line = (config.parent / "bot.log").read_text().strip().splitlines()[-1]
    assert code == 78
    assert "already running" in last_line


@pytest.mark.faults
async def test_an_interrupted_bot_stops_cleanly_and_logs_no_token(config, playground):
    async with running(config) as process:
        await greeted(playground, 1)
        await playground.play.send_text("ann", "/help")
        await playground.play.wait("ann", lambda seen: seen.from_bot)

        process.terminate()
        code = await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)

    log = (config.parent / "bot.log").read_text()
    assert code == 0
    assert playground.token.split(":")[1] not in log
    assert "Traceback" not in log
