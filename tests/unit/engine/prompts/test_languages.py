"""Every language of the tables: goals over its caption sets, and what only some scripts need."""

import pytest

from bench.prompts import FOLDER as SETS
from bench.prompts import Score, read_sets
from engine.prompts.lexicon import load_lexicons
from engine.prompts.parse import parse_prompt


def effects(prompt):
    return {wish.effect for wish in parse_prompt(prompt, locale="").wishes}


def test_every_language_has_a_set_of_captions():
    assert {path.stem for path in SETS.glob("*.tsv")} == set(load_lexicons())


@pytest.mark.parametrize("language", load_lexicons())
def test_the_caption_sets_are_read_as_well_as_they_were(language):
    score = Score()
    for _, caption, asked in read_sets(language):
        score.add(caption, asked)

    assert score.shares["precision"] >= 0.97
    assert score.shares["recall"] >= 0.92
    assert score.shares["negation"] >= 0.93


@pytest.mark.parametrize(
    ("prompt", "quoted"),
    [
        ("下雪，我的狗跑过来", "我的狗跑过来"),
        ("雪が降る、犬が走る", "犬が走る"),
        ("моя собака бежит", "моя собака бежит"),
        ("كلبي يركض", "كلبي يركض"),
        ("köpeğim koşuyor", "köpeğim koşuyor"),
    ],
)
def test_what_cannot_be_done_is_quoted_in_every_script(prompt, quoted):
    assert parse_prompt(prompt, locale="").impossible == (quoted,)


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("上海的街道", set()),
        ("白雪公主", set()),
        ("Schneewittchen und ihr Freund", set()),
        ("smile at the camera", {"smile"}),
        ("petals fly through the air", {"petals"}),
    ],
)
def test_what_only_looks_like_a_wish_is_none(prompt, wanted):
    directions = parse_prompt(prompt, locale="")

    assert {wish.effect for wish in directions.wishes} == wanted
    assert directions.camera is None
    assert directions.impossible == ()


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("snow yes, wind no", {"snow"}),
        ("don't add any petals", set()),
        ("雪も雨もいらない", set()),
        ("karsız bir gece", {"night"}),
        ("بدون ثلج ومطر", set()),
        ("not only snow but also rain", {"snow", "rain"}),
    ],
)
def test_negation_stands_where_the_language_puts_it(prompt, wanted):
    assert effects(prompt) == wanted


def test_english_words_are_read_in_other_languages():
    assert parse_prompt("雪が降る、slow zoom in", locale="ja").camera == "push_in"
    assert effects("die Wolken ziehen über den See, plus falling snow") == {"sky_drift", "water", "snow"}


@pytest.mark.parametrize(
    ("prompt", "sounds", "sound"),
    [
        ("the sound of rain", ("rain",), True),
        ("Vögel zwitschern", ("birds",), True),
        ("rain", (), None),
        ("rain without sound", (), False),
    ],
)
def test_what_shall_be_heard(prompt, sounds, sound):
    directions = parse_prompt(prompt, locale="")

    assert (directions.sounds, directions.sound) == (sounds, sound)


@pytest.mark.parametrize(
    "prompt",
    ["a thunderstorm at sea", "ein Gewitter zieht auf", "un temporale", "un orage éclate", "гроза", "雷雨"],
)
def test_a_thunderstorm_is_rain_and_lightning(prompt):
    assert effects(prompt) >= {"rain", "lightning"}


def test_clouds_of_a_thunderstorm_bring_no_rain():
    assert "rain" not in effects("Gewitterwolken ziehen auf") | effects("nuages d'orage")
    assert effects("no thunderstorm, just snow") == {"snow"}
