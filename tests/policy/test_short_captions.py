"""One or two words are enough where the tables or the renderer know them, and are never guessed otherwise."""

import numpy as np
import pytest

from engine.policy import Judge
from engine.schema import Reason
from engine.verdicts import Allowed, RestrictedTo

PHOTO = np.full((160, 120, 3), 120, np.uint8)


def verdict(judge: Judge, prompt: str):
    return judge.request(prompt=prompt, locale="en", look=None, attested=False, pixels=PHOTO).verdict


@pytest.mark.parametrize("prompt", ["snow", "zoom", "schneien", "heranzoomen", "nevicata", "dolly zoom"])
def test_a_word_that_the_renderer_can_follow_is_enough(judge: Judge, prompt: str) -> None:
    assert verdict(judge, prompt) == Allowed()


@pytest.mark.parametrize("prompt", ["qwrtz", "asdf jkl"])
def test_words_that_mean_nothing_get_motions_to_pick_from(judge: Judge, prompt: str) -> None:
    answer = verdict(judge, prompt)

    assert isinstance(answer, RestrictedTo)
    assert answer.reason is Reason.UNCLEAR_PROMPT
    assert answer.presets


def test_a_wish_in_words_of_no_table_travels_with_the_request(judge: Judge) -> None:
    screened = judge.request(
        prompt="he shuts one eye at us", locale="en", look=None, attested=False, pixels=PHOTO
    )
    assert screened.facts.hints == ("wink",)
