"""Captions in three languages: what they ask for, what they refuse, how strong, how fast, what cannot be done."""

import pytest
from captions import ENGLISH, GERMAN, ITALIAN
from hypothesis import given
from hypothesis import strategies as st

from engine.prompts.directions import Directions, Wish
from engine.prompts.lexicon import fold_word, load_index, load_lexicons, split
from engine.prompts.looks import LOOK_NAMES, LOOKS
from engine.prompts.parse import STORM, parse_prompt
from engine.prompts.tables import FOLDER, read_table
from engine.renderers.scene.camera import MOVES
from engine.renderers.scene.effects import EFFECTS
from engine.renderers.scene.sound import TEXTURES


def effects(prompt, locale="en"):
    return {wish.effect: wish.strength for wish in parse_prompt(prompt, locale=locale).wishes}


def test_a_whole_caption():
    directions = parse_prompt("Heavy snow, slow zoom out, no rain, and the dog runs. No sound.", locale="en")

    assert directions == Directions(
        camera="pull_out",
        wishes=(Wish(effect="snow", strength=1.6),),
        refused=("rain",),
        impossible=("the dog runs",),
        speed=0.6,
        sound=False,
        understood=True,
    )


@pytest.mark.parametrize(
    "prompt", ["", "   ", "a" * 1024, "Mia nonna, 1962", "Foto!", "🙂", "не знаю", "\n.\n"]
)
def test_a_caption_without_a_wish_asks_for_nothing(prompt):
    assert parse_prompt(prompt, locale="de") == Directions()


@pytest.mark.parametrize("locale", ["en", "de", "it", "pt-br", "zh"])
def test_the_language_is_that_of_the_caption_and_not_of_the_phone(locale):
    assert effects("let it snow", locale) == {"snow": 1.0}
    assert effects("lass es schneien", locale) == {"snow": 1.0}
    assert effects("fai nevicare", locale) == {"snow": 1.0}


@pytest.mark.parametrize(
    ("prompt", "wanted", "refused"),
    [
        ("no snow", set(), {"snow"}),
        ("snow but no rain", {"snow"}, {"rain"}),
        ("no rain and heavy snow", {"snow"}, {"rain"}),
        ("without any snow or rain", set(), {"snow", "rain"}),
        ("not only rain but also fog", {"rain", "fog"}, set()),
        ("the snow should not fall", set(), {"snow"}),
        ("kein Regen, nur Nebel", {"fog"}, {"rain"}),
        ("es soll nicht regnen, sondern schneien", {"snow"}, {"rain"}),
        ("weder Schnee noch Regen", set(), {"snow", "rain"}),
        ("die Wolken bitte nicht", set(), {"sky_drift"}),
        ("ohne Schnee", set(), {"snow"}),
        ("senza neve né pioggia", set(), {"snow", "rain"}),
        ("niente nebbia, ma tanta neve", {"snow"}, {"fog"}),
        ("non deve piovere", set(), {"rain"}),
    ],
)
def test_negation_reaches_what_it_means_and_no_further(prompt, wanted, refused):
    directions = parse_prompt(prompt, locale="en")

    assert {wish.effect for wish in directions.wishes} == wanted
    assert set(directions.refused) == refused


@pytest.mark.parametrize(
    "prompt",
    [
        "no camera movement", "don't move the camera", "keep the camera perfectly still, only clouds", "static shot of the sea",
        "ohne Kamerabewegung", "die Kamera soll ganz ruhig bleiben", "die Kamera nicht bewegen", "nur die Wolken, die Kamera nicht",
        "senza movimenti di camera", "non muovere la telecamera", "la camera resta ferma", "camera fissa, solo neve",
    ],
)  # fmt: skip
def test_a_camera_that_must_not_move_does_not(prompt):
    assert parse_prompt(prompt, locale="en").camera == "static"


@pytest.mark.parametrize(
    ("prompt", "camera"),
    [
        ("zoom in", "push_in"), ("zoom out", "pull_out"), ("slow push toward the face", "push_in"), ("pan left", "pan_left"),
        ("pan right", "pan_right"), ("orbit around her", "orbit"), ("dolly zoom", "dolly_zoom"), ("handheld", "handheld"),
        ("Zoom raus", "pull_out"), ("heranzoomen", "push_in"), ("Schwenk nach links", "pan_left"), ("Handkamera", "handheld"),
        ("zoom all'indietro", "pull_out"), ("panoramica a sinistra", "pan_left"), ("gira intorno al soggetto", "orbit"),
    ],
)  # fmt: skip
def test_camera_moves(prompt, camera):
    assert parse_prompt(prompt, locale="en").camera == camera


@pytest.mark.parametrize(
    ("prompt", "strength"),
    [
        ("a little snow", 0.5), ("light snow", 0.5), ("heavy snow", 1.6), ("it snows heavily", 1.6), ("snow", 1.0),
        ("ein bisschen Schnee", 0.5), ("dichter Schnee", 1.6), ("es schneit stark", 1.6), ("un po' di neve", 0.5), ("nevica forte", 1.6),
        ("heavy rain, snow", 1.0),
    ],
)  # fmt: skip
def test_words_of_strength_belong_to_their_effect(prompt, strength):
    assert effects(prompt)["snow"] == strength


@pytest.mark.parametrize(
    ("prompt", "speed"),
    [
        ("slow zoom", 0.6),
        ("quick zoom", 1.6),
        ("langsamer Zoom", 0.6),
        ("schneller Zoom", 1.6),
        ("zoom lento", 0.6),
        ("zoom", 1.0),
    ],
)
def test_words_of_speed(prompt, speed):
    assert parse_prompt(prompt, locale="en").speed == speed


@pytest.mark.parametrize(
    ("prompt", "effects"),
    [
        ("her hair is blowing in the wind", ["hair"]),
        ("the wind moves his hair and he smiles", ["hair", "smile"]),
        ("ihre Haare wehen im Wind, sie blinzelt", ["hair", "blink"]),
        ("i capelli si muovono nel vento", ["hair"]),
        ("she winks and breathes calmly", ["wink", "breathing"]),
        ("don't blink", []),
    ],
)
def test_what_people_are_to_do(prompt, effects):
    directions = parse_prompt(prompt, locale="en")

    assert [wish.effect for wish in directions.wishes] == effects
    assert not directions.impossible


@pytest.mark.parametrize(
    ("prompt", "quoted"),
    [
        ("the dog runs through the snow", ("the dog runs",)),
        ("Schnee, und der Hund rennt los", ("der Hund rennt los",)),
        ("nevica e la bambina balla", ("la bambina balla",)),
        ("put a hat on the dog", ("put a hat on the dog",)),
        ("setz dem Hund einen Hut auf", ("setz dem Hund einen Hut",)),
        ("she DANCES; a dragon appears", ("she DANCES", "a dragon appears")),
        ("add snow", ()),
        ("throw confetti all over them", ()),
        ("le nuvole devono correre veloci", ()),
        ("the dog does not run", ()),
        ("make it come alive", ()),
    ],
)
def test_what_cannot_be_done_is_quoted_in_the_person_s_own_words(prompt, quoted):
    assert parse_prompt(prompt, locale="en").impossible == quoted


@pytest.mark.parametrize(
    ("prompt", "effect"),
    [
        ("Morgennebel", "fog"),
        ("GLUEHWUERMCHEN", "fireflies"),
        ("glühwürmchen", "fireflies"),
        ("l’acqua", "water"),
        ("❄️", "snow"),
    ],
)
def test_accents_compounds_elisions_and_emoji(prompt, effect):
    assert effects(prompt) == {effect: 1.0}


@pytest.mark.parametrize(
    ("prompt", "sound"),
    [
        ("rain with sound", True),
        ("no sound", False),
        ("stumm", False),
        ("senza audio", False),
        ("rain", None),
    ],
)
def test_sound(prompt, sound):
    assert parse_prompt(prompt, locale="en").sound is sound


@given(st.text(max_size=1024))
def test_any_text_is_read(prompt):
    directions = parse_prompt(prompt, locale="en")

    assert all(quote in prompt for quote in directions.impossible)


@pytest.mark.parametrize("captions", [ENGLISH, GERMAN, ITALIAN], ids=["en", "de", "it"])
def test_captions_that_nobody_tuned_to(captions):
    right = wrong = missed = 0
    for text, wanted_effects, camera, impossible in captions:
        directions = parse_prompt(text, locale="fr")
        found = {*(wish.effect for wish in directions.wishes), directions.camera, bool(directions.impossible)}
        wanted = {*wanted_effects, camera, impossible}
        right, wrong, missed = (
            right + len(found & wanted),
            wrong + len(found - wanted),
            missed + len(wanted - found),
        )

    assert right / (right + wrong) >= 0.97
    assert right / (right + missed) >= 0.92


@pytest.mark.parametrize("lexicon", load_lexicons().values(), ids=load_lexicons())
def test_every_table_has_words_for_all_that_can_be_done(lexicon):
    assert lexicon.effects == {*EFFECTS, STORM}
    assert lexicon.cameras == {*MOVES, "any"}
    assert lexicon.heard == set(TEXTURES)


def test_every_table_knows_the_same_codes():
    assert len({lexicon.effects for lexicon in load_lexicons().values()}) == 1


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_entry_of_every_table_is_found(path):
    table = read_table(path)
    for kind, code, entry in table.entries():
        if kind in {"effect", "camera", "heard"}:
            words = tuple(fold_word(word.strip("*")) for word in split(entry) if word != "..")
            found = {hit[:2] for hit in load_index().find(words)[table.language]}
            assert (kind, code) in found, f"{path.name}: {entry} is found as {found}"


def test_looks_use_codes_that_can_be_done():
    assert len(set(LOOK_NAMES)) == len(LOOK_NAMES)
    for directions in LOOKS.values():
        assert directions.camera is None or directions.camera in MOVES
        assert {wish.effect for wish in directions.wishes} <= set(EFFECTS)


@pytest.mark.parametrize(
    ("prompt", "camera"),
    [
        ("the camera moves slowly from the old door up to the sky", "tilt_up"),
        ("la telecamera scende piano verso i fiori", "tilt_down"),
        ("покрути камеру вокруг статуи", "orbit"),
        ("little hearts float up to the left", None),
    ],
)
def test_a_direction_is_the_cameras_where_its_clause_names_one(prompt: str, camera: str | None) -> None:
    assert parse_prompt(prompt, locale="").camera == camera


def test_what_is_taken_out_of_nothing_is_wanted() -> None:
    assert effects("nothing moves except the steam") == {"steam": 1.0}
    assert effects("everything except snow") == {}


def test_disappearing_is_possible_in_what_hides() -> None:
    assert parse_prompt("the valley disappears in the fog", locale="en").impossible == ()
    assert parse_prompt("make the car disappear", locale="en").impossible == ("make the car disappear",)


def test_hair_moves_where_wind_is_asked_for() -> None:
    assert effects("a breeze in the grass, and her hair") == {"sway": 1.0, "hair": 1.0}
    assert effects("rain on the grass") == {"rain": 1.0, "sway": 1.0}
