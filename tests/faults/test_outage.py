"""A short run of the outage; `scripts/soak` has the hour."""

import os
import time

import pytest

from tests.faults.outage import ride_out

SEED = int(os.environ.get("ZOETROPE_SEED", str(time.time_ns() % 100_000)))


@pytest.mark.faults
async def test_after_an_outage_everything_is_said_in_order_and_within_the_limits():
    tally = await ride_out(people=40, down_seconds=4.0, seed=SEED)

    print(tally)
    assert tally.clean, (tally, tally.lost[:3])
