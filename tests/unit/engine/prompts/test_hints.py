"""What no table knows is asked of the sentence encoder, and never against what the tables read."""

from __future__ import annotations

import pytest

from engine.classifiers.caption_head import CaptionHead
from engine.classifiers.sentences import SentenceEncoder
from engine.prompts.directions import Wish
from engine.prompts.hints import find_hints, unread_clauses
from engine.prompts.parse import parse_prompt
from engine.prompts.reading import read


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return SentenceEncoder.load()


@pytest.fixture(scope="module")
def head() -> CaptionHead:
    return CaptionHead.load()


def test_a_clause_without_a_known_word_is_understood_by_its_meaning(
    encoder: SentenceEncoder, head: CaptionHead
) -> None:
    caption = "he shuts one eye at us"
    assert parse_prompt(caption, locale="en").wishes == ()
    assert find_hints(caption, locale="en", encoder=encoder, head=head) == ("wink",)


@pytest.mark.parametrize(
    "caption",
    ["my grandmother in 1950", "Unser Garten", "la foto de mi boda", "happy birthday, dear Anna", "..."],
)
def test_what_asks_for_nothing_gets_no_hint(
    caption: str, encoder: SentenceEncoder, head: CaptionHead
) -> None:
    assert find_hints(caption, locale="", encoder=encoder, head=head) == ()


def test_only_clauses_that_the_tables_left_unread_are_asked_about() -> None:
    assert list(unread_clauses(read("soft snow, grandpa at home, no rain, and a 1950 car", locale="en"))) == [
        "grandpa at home",
        "a 1950 car",
    ]


def test_a_hint_never_overrules_what_was_read() -> None:
    directions = parse_prompt(
        "no rain, the camera stands still", locale="en", hints=("rain", "snow", "@push_in")
    )
    assert directions.wishes == (Wish(effect="snow"),)
    assert directions.camera == "static"
    assert parse_prompt("", locale="en", hints=("@orbit",)).camera == "orbit"
