"""Photo × caption pairs with the verdict and the reason that a policy person expects, one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.policy import Judge
from engine.verdicts import Allowed, Refusal, RestrictedTo, Verdict

LINES = Path(__file__).with_name("cases.tsv").read_text(encoding="utf-8").splitlines()[1:]
CASES = [tuple(line.split("\t")) for line in LINES]


def told(verdict: Verdict) -> tuple[str, str]:
    match verdict:
        case Allowed():
            return "allowed", "-"
        case RestrictedTo(reason=reason):
            return "restricted", reason.value
        case Refusal(reason=reason):
            return "refusal", reason.value
    raise AssertionError(verdict)


@pytest.mark.parametrize(("photo", "locale", "caption", "verdict", "reason"), CASES)
def test_the_pair_gets_its_verdict(
    judge: Judge,
    photos: dict[str, NDArray[np.uint8]],
    photo: str,
    locale: str,
    caption: str,
    verdict: str,
    reason: str,
) -> None:
    screened = judge.request(prompt=caption, locale=locale, look=None, attested=False, pixels=photos[photo])

    assert told(screened.verdict) == (verdict, reason)


def test_the_pairs_are_many_and_in_many_languages() -> None:
    assert len(CASES) >= 200
    assert len({locale for _, locale, *_ in CASES}) >= 6
