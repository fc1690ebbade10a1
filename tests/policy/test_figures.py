"""Somebody famous by name: answered by the rules of public figures, never as unclear."""

import pytest

from engine.policy import Judge
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal


@pytest.mark.parametrize(
    ("caption", "locale"),
    [
        ("Trump dancing", "en"),
        ("Merkel lacht", "de"),
        ("Messi sonríe y saluda", "es"),
        ("Путин машет рукой", "ru"),
    ],
)
def test_a_neutral_motion_is_allowed(judge: Judge, caption: str, locale: str) -> None:
    assert judge.caption(prompt=caption, locale=locale).verdict == Allowed()


@pytest.mark.parametrize(
    ("caption", "locale"),
    [
        ("Trump admits that he lied", "en"),
        ("Macron appelle à voter pour lui", "fr"),
        ("Berlusconi fa pubblicità al mio negozio", "it"),
    ],
)
def test_words_votes_and_advertising_are_not(judge: Judge, caption: str, locale: str) -> None:
    verdict = judge.caption(prompt=caption, locale=locale).verdict

    assert isinstance(verdict, Refusal)
    assert verdict.reason is Reason.PUBLIC_FIGURE
