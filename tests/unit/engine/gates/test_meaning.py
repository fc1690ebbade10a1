"""The meaning of a caption: what it refuses, what it overrules, and that a long caption hides nothing."""

import pytest

from engine.classifiers.prompt_head import Meaning, PromptHead
from engine.gates.concepts import Ask, Reading, Rule
from engine.gates.meaning import judge_meaning, parts_of, uphold
from engine.schema import Reason
from engine.verdicts import Allowed, Refusal, RestrictedTo

LEASH = Rule(concept="humiliate", all=("humiliate",), ask=Ask.HARM, reason=Reason.HUMILIATION)
MINOR = Rule(concept="minor", all=("child", "sexual"), ask=Ask.SEXUAL, reason=Reason.SEXUAL_MINOR, firm=True)
SNOW = Rule(concept="gentle", all=("gentle",), ask=Ask.GENTLE)
FAMOUS = Rule(concept="figure", all=("public_figure",), marks="public_figure")


@pytest.fixture(scope="module")
def head() -> PromptHead:
    return PromptHead.load()


def told(harm: float, reading: Reading, head: PromptHead) -> object:
    meaning = Meaning(harm=harm, reason=Reason.PUBLIC_FIGURE)
    return judge_meaning(meaning, reading, head=head, presets=("snow",)).verdict


def test_a_harmless_meaning_overrules_words_but_no_firm_rule(head: PromptHead) -> None:
    reading = Reading(rules=(MINOR, LEASH, SNOW))
    harmless = Meaning(harm=head.agree_at / 2, reason=Reason.HUMILIATION)
    doubtful = Meaning(harm=head.agree_at, reason=Reason.HUMILIATION)

    assert uphold(reading, harmless, head).rules == (MINOR, SNOW)
    assert uphold(reading, doubtful, head).rules == (MINOR, LEASH, SNOW)


def test_between_the_thresholds_come_presets(head: PromptHead) -> None:
    assert isinstance(told(head.refuse_at, Reading(), head), Refusal)
    assert isinstance(told(head.unsure_at, Reading(), head), RestrictedTo)
    assert told(head.unsure_at / 2, Reading(), head) == Allowed()


def test_weather_and_somebody_famous_are_spared_the_doubt(head: PromptHead) -> None:
    assert told(head.unsure_at, Reading(rules=(SNOW,)), head) == Allowed()
    assert told(head.unsure_at, Reading(rules=(FAMOUS,)), head) == Allowed()


def test_a_short_caption_is_read_once() -> None:
    assert parts_of("the dog runs, and the cat sleeps") == ["the dog runs, and the cat sleeps"]


def test_a_long_caption_is_read_in_parts_too() -> None:
    text = "a calm evening by the lake with birds over the reeds, she takes off her dress slowly, and the sun goes down"

    assert parts_of(text)[0] == text
    assert "she takes off her dress slowly" in parts_of(text)
    assert all(len(part.split()) <= 10 for part in parts_of(text)[1:])
