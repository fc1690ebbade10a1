"""A short run over every border; the long ones are `tests.fuzz.run`, which scripts/soak calls."""

import random
import warnings

import pytest

from engine.media.photo import decode
from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS, Target


@pytest.mark.parametrize("name", TARGETS)
def test_foreign_bytes_are_no_surprise(name: str) -> None:
    seed = random.randrange(2**31)
    print(f"seed {seed}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = fuzz(TARGETS[name], executions=TARGETS[name].quick, seed=seed)

    assert found is None, f"python -m tests.fuzz.run {name} --seed {seed} --executions {TARGETS[name].quick}"


def test_the_photos_to_begin_with_are_photos() -> None:
    for data in TARGETS["photo"].seeds()[:16]:
        assert decode(data).width


def test_a_bug_is_found_and_the_same_bytes_find_it_again() -> None:
    def feed(data: bytes) -> None:
        if b"\xff\xff" in data:
            raise ValueError("a bug")

    target = Target(feed, lambda: [b"good", b"fine"])

    first, again = (fuzz(target, executions=2000, seed=5) for _ in range(2))

    assert first is not None
    assert first == again
