"""`kill -9` of bot, engine, its children and Telegram's front door at random moments, and a Telegram that loses things.

A short run; `scripts/soak` has the long one.
"""

import os
import time
from pathlib import Path

import pytest

from tests.faults.rig import rig

KILLS = int(os.environ.get("ZOETROPE_KILLS", "25"))
PHOTOS = int(os.environ.get("ZOETROPE_PHOTOS", "40"))
SEED = int(os.environ.get("ZOETROPE_SEED", str(time.time_ns() % 100_000)))


@pytest.mark.faults
async def test_no_request_is_lost_and_no_clip_comes_twice(tmp_path: Path) -> None:
    print(f"\nkill rig: seed {SEED}, {PHOTOS} photos, {KILLS} kills", flush=True)

    async with rig(tmp_path, seed=SEED) as running:
        tally = await running.run(photos=PHOTOS, kills=KILLS)

    print(tally, flush=True)
    assert tally.clean, tally
    assert tally.animated >= (PHOTOS - tally.poison) * 0.8, (
        "an engine that is away for long is apologised for"
    )
