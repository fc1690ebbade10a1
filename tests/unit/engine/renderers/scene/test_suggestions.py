"""What is offered for a photo whose caption asks for nothing."""

import numpy as np
import pytest
from photos import SMALL, landscape
from test_effects import lake

from engine.prompts.directions import Directions, Wish
from engine.prompts.looks import LOOKS
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.matte import NearObjectModel
from engine.renderers.scene.plan import SUGGESTIONS, make_plan
from engine.verdicts import PhotoFacts

ROOM = np.full((480, 360, 3), (205, 198, 186), np.uint8)
SNOW = Directions(wishes=(Wish(effect="snow"),), understood=True)


@pytest.fixture
def suggest(models):
    def ask(pixels, directions=Directions()):  # noqa: B008  frozen
        reading = read_photo(pixels, PhotoFacts(), clip_format=SMALL, model=NearObjectModel(models)).reading
        return make_plan(directions, reading).made

    return ask


@pytest.mark.parametrize("photo", [lake(), landscape(), ROOM])
def test_four_looks_that_do_not_move_already(suggest, photo):
    made = suggest(photo)

    assert len(made.suggestions) == SUGGESTIONS
    assert set(made.suggestions) <= set(LOOKS) - set(made.moved)


def test_weather_is_for_the_open_air(suggest):
    assert "rain" in suggest(landscape()).suggestions
    assert "rain" not in suggest(ROOM).suggestions


def test_who_asked_for_something_is_offered_nothing(suggest):
    assert suggest(landscape(), SNOW).suggestions == ()
