"""Who waits, and who is told to; how long is measured by bench/load.py."""

import pytest

from bench.load import fairness, one_beside_fifty


@pytest.mark.faults
async def test_three_hundred_photos_of_one_person_cost_fifty_others_nothing():
    figures = [*await fairness(), *await one_beside_fifty()]

    unmet = [it for it in figures if it.unit != "s" and it.met is False]
    assert unmet == []
