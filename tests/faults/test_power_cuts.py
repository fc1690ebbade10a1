"""A short run of the power cuts; `scripts/soak` has the long one."""

import os
import time

import pytest

from tests.faults.cuts import cut_the_bot, cut_the_ledger

SEED = int(os.environ.get("ZOETROPE_SEED", str(time.time_ns() % 100_000)))


@pytest.mark.faults
@pytest.mark.parametrize("cut", [cut_the_ledger, cut_the_bot])
def test_nothing_acknowledged_is_lost_when_the_light_goes_out(cut):
    tally = cut(12, seed=SEED)

    print(tally)
    assert tally.cuts == 12
    assert tally.clean, (tally, tally.lost[:3], tally.unreadable[:3], tally.broken)


@pytest.mark.faults
@pytest.mark.parametrize("cut", [cut_the_ledger, cut_the_bot])
def test_the_rig_finds_a_commit_that_does_not_wait_for_the_disk(cut):
    assert not cut(12, seed=SEED, synchronous="OFF").clean
