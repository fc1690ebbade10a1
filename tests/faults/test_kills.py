"""`kill -9` of bot, engine or worker at random moments: no request is lost, and no clip is delivered twice."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.playground.server import Playground
from engine.ledger import Ledger, Limits
from tests.faults.rig import CONFIG, Process, Rig, Tally, count
from tests.integration.test_engine_http import MODELS, a_photo

KILLS = int(os.environ.get("ZOETROPE_KILLS", "40"))
PHOTOS = int(os.environ.get("ZOETROPE_PHOTOS", "40"))
SEED = int(os.environ.get("ZOETROPE_SEED", str(time.time_ns() % 100_000)))
PATIENCE_SECONDS = 420


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with Playground(group_limit=False) as playground:
        (tmp_path / "config.toml").write_text(
            CONFIG.format(
                token=playground.token, base_url=playground.base_url, base_file_url=playground.base_file_url
            )
        )
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "models").symlink_to(MODELS)
        engine = Process(("-m", "engine", "run"), tmp_path, tmp_path / "engine.log")
        bot = Process(("-m", "bot", "run"), tmp_path, tmp_path / "bot.log")
        await engine.start()
        await bot.start()
        yield Rig(play=playground.play, engine=engine, bot=bot, chance=random.Random(SEED))
        await bot.stop()
        await engine.stop()


@pytest.mark.faults
async def test_no_request_is_lost_and_no_clip_comes_twice(rig: Rig, tmp_path: Path) -> None:
    tally, photos = Tally(seed=SEED), []
    print(f"\nkill rig: seed {SEED}, {PHOTOS} photos, {KILLS} kills", flush=True)

    sending = asyncio.create_task(send_photos(rig, photos, tally))
    while sum(tally.kills.values()) < KILLS:
        await asyncio.sleep(rig.chance.uniform(0.5, 4.0))
        await rig.kill_something(tally)
    await sending
    answers = await all_answered(rig, photos)

    count(answers, tally, changed=await rig.changed_clips())
    print(tally, flush=True)
    assert tally.lost == []
    assert tally.twice == []
    assert (
        tally.animated >= PHOTOS * 0.8
    )  # a job under which two workers were shot is buried, as it should be
    await rig.engine.stop()
    limits = Limits(depth=1, queued_per_requester=1, running_per_requester=1)
    async with Ledger(tmp_path / "data" / "engine.sqlite", limits=limits) as ledger:
        assert await ledger.write(lambda verbs: verbs.check()) == []


async def send_photos(rig: Rig, photos: list, tally: Tally) -> None:
    for number in range(PHOTOS):
        photos.append(await rig.play.send_photo("ann", a_photo(number), "soft snow, slow zoom"))
        tally.sent += 1
        await asyncio.sleep(rig.chance.uniform(0.2, 3.0))


async def all_answered(rig: Rig, photos: list) -> dict:
    """Wait until every photo has its clip or its last word, or patience ends."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answers = await rig.answers_to(photos)
        trial = Tally(seed=SEED)
        count(answers, trial)
        if not trial.lost or time.monotonic() > deadline:
            return answers
        await asyncio.sleep(1.0)
