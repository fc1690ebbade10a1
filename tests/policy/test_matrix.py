"""The matrix cell by cell, and what joins it to real pictures."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.gates.concepts import Ask, Reading
from engine.gates.pair import Cell, No, Ok, Presets, Row, judge_pair
from engine.policy import CALM_PRESETS, MATRICES, MATRIX, NO_FACE_NSFW, Judge, rows_of
from engine.schema import Profile, Reason
from engine.verdicts import AgeGroup, Allowed, Face, PhotoFacts, Refusal, RestrictedTo

OK = Ok()
FACE = Face(x=0, y=0, width=90, height=110, score=0.9)
EVERY_CELL = list(product(Row, Ask))


def no(reason: str) -> No:
    return No(Reason(reason))


def presets(reason: str) -> Presets:
    return Presets(Reason(reason))


OF_A_DOCUMENT = no("private_data")
CHILD, FIGURE = no("minor_safety"), no("public_figure")
GENTLY = presets("sexual")
EXPECTED: dict[Ask, tuple[Cell, ...]] = {
    # what the photo shows:  nobody, one, several, child, young, suggestive, public figure, document, written
    Ask.GENTLE: (OK, OK, OK, OK, OK, OK, OK, OF_A_DOCUMENT, OK),
    Ask.FREE: (OK, OK, OK, OK, OK, GENTLY, OK, OF_A_DOCUMENT, OK),
    Ask.AFFECTION: (OK, OK, OK, OK, OK, GENTLY, FIGURE, OF_A_DOCUMENT, OK),
    Ask.KISS: (
        OK,
        presets("intimacy"),
        no("intimacy"),
        CHILD,
        CHILD,
        no("intimacy"),
        FIGURE,
        OF_A_DOCUMENT,
        OK,
    ),
    Ask.ACTION: (OK, OK, OK, OK, OK, GENTLY, OK, OF_A_DOCUMENT, OK),
    Ask.SWIMWEAR: (OK, OK, OK, *[presets("minor_safety")] * 2, OK, FIGURE, OF_A_DOCUMENT, OK),
    Ask.WEAPON: (OK, OK, OK, CHILD, CHILD, no("weapon"), FIGURE, OF_A_DOCUMENT, OK),
    Ask.SPEECH: (OK, *[no("put_words")] * 5, FIGURE, OF_A_DOCUMENT, OK),
    Ask.SEXUAL: (
        *[no("sexual")] * 3,
        no("sexual_minor"),
        *[no("sexual")] * 3,
        OF_A_DOCUMENT,
        no("sexual"),
    ),
    Ask.HARM: (
        *[no("violence")] * 3,
        CHILD,
        *[no("violence")] * 2,
        FIGURE,
        OF_A_DOCUMENT,
        no("violence"),
    ),
}
ORDER = (Ok, Presets, No)


@pytest.mark.parametrize(("row", "ask"), EVERY_CELL, ids=[f"{row}-{ask}" for row, ask in EVERY_CELL])
def test_the_cell_is_what_the_policy_says(row: Row, ask: Ask) -> None:
    assert MATRIX[row][ask] == EXPECTED[ask][list(Row).index(row)]


@pytest.mark.parametrize(("row", "ask"), EVERY_CELL, ids=[f"{row}-{ask}" for row, ask in EVERY_CELL])
def test_the_cell_becomes_its_verdict(row: Row, ask: Ask) -> None:
    verdict = judge_pair([row], [ask], matrix=MATRIX, presets=CALM_PRESETS).verdict

    match MATRIX[row][ask]:
        case Ok():
            assert verdict == Allowed()
        case Presets(reason):
            assert verdict == RestrictedTo(reason=reason, presets=CALM_PRESETS, gate="pair.matrix")
        case No(reason):
            assert verdict == Refusal(reason=reason, gate="pair.matrix", presets=CALM_PRESETS)


@pytest.mark.parametrize(("row", "ask"), EVERY_CELL, ids=[f"{row}-{ask}" for row, ask in EVERY_CELL])
def test_the_strict_profile_is_nowhere_laxer(row: Row, ask: Ask) -> None:
    standard, strict = (MATRICES[profile][row][ask] for profile in Profile)

    assert ORDER.index(type(strict)) >= ORDER.index(type(standard))


def test_the_strict_profile_is_stricter_where_it_says_so() -> None:
    strict = MATRICES[Profile.STRICT]

    assert strict[Row.ONE][Ask.KISS] == no("intimacy")
    assert strict[Row.SEVERAL][Ask.SWIMWEAR] == presets("sexual")
    assert strict[Row.NOBODY][Ask.WEAPON] == no("weapon")
    assert strict[Row.CHILD][Ask.FREE] == presets("minor_safety")
    assert strict[Row.SUGGESTIVE][Ask.FREE] == no("sexual")
    assert strict[Row.PUBLIC_FIGURE][Ask.FREE] == no("public_figure")


@pytest.mark.parametrize("ask", Ask)
def test_a_guessed_age_never_opens_a_cell(ask: Ask) -> None:
    adult, young, child = (ORDER.index(type(MATRIX[row][ask])) for row in (Row.ONE, Row.YOUNG, Row.CHILD))

    assert adult <= young <= child


def test_the_strictest_cell_wins() -> None:
    ruling = judge_pair([Row.SUGGESTIVE, Row.SEVERAL], [Ask.GENTLE, Ask.KISS], matrix=MATRIX, presets=())

    assert isinstance(ruling.verdict, Refusal)


@pytest.mark.parametrize(
    ("facts", "rows"),
    [
        (PhotoFacts(), (Row.NOBODY,)),
        (PhotoFacts(faces=(FACE,)), (Row.ONE,)),
        (PhotoFacts(faces=(FACE,) * 7), (Row.SEVERAL,)),
        (PhotoFacts(faces=(FACE,), nsfw=0.2), (Row.SUGGESTIVE, Row.ONE)),
        (PhotoFacts(nsfw=NO_FACE_NSFW - 0.01), (Row.NOBODY,)),
        (PhotoFacts(nsfw=NO_FACE_NSFW), (Row.SUGGESTIVE, Row.NOBODY)),
        (PhotoFacts(faces=(FACE,), age=AgeGroup.ADULT), (Row.ONE,)),
        (PhotoFacts(faces=(FACE,), age=AgeGroup.YOUNG), (Row.YOUNG, Row.ONE)),
        (PhotoFacts(faces=(FACE,) * 2, age=AgeGroup.CHILD), (Row.CHILD, Row.SEVERAL)),
        (PhotoFacts(faces=(FACE,), swimwear=True), (Row.SUGGESTIVE, Row.ONE)),
        (PhotoFacts(faces=(FACE,), document=True), (Row.DOCUMENT, Row.ONE)),
        (PhotoFacts(written=True), (Row.WRITTEN, Row.NOBODY)),
    ],
)
def test_the_photo_chooses_the_rows(facts: PhotoFacts, rows: tuple[Row, ...]) -> None:
    assert rows_of(facts, Reading(), restrict_at=0.2) == rows


def test_a_caption_adds_rows_and_takes_none_away(judge: Judge) -> None:
    photo = PhotoFacts(faces=(FACE, FACE), nsfw=0.3)
    read = judge.caption(prompt="my baby", locale="en")
    assert read.verdict == Allowed()

    for marks in ("child", "public_figure"):
        from engine.gates.concepts import load_rules

        reading = Reading(rules=tuple(rule for rule in load_rules().rule if rule.marks == marks))
        assert set(rows_of(photo, reading, restrict_at=0.2)) == {Row(marks), Row.SUGGESTIVE, Row.SEVERAL}


Pixels = NDArray[np.uint8]


def test_a_preset_motion_is_allowed_whatever_the_caption_was(judge: Judge, photos: dict[str, Pixels]) -> None:
    for look in CALM_PRESETS:
        screened = judge.request(prompt="", locale="en", look=look, attested=False, pixels=photos["couple"])
        assert screened.verdict == Allowed()


def test_no_caption_is_the_default_motion(judge: Judge, photos: dict[str, Pixels]) -> None:
    assert judge.request(
        prompt="", locale="en", look=None, attested=False, pixels=photos["portrait"]
    ).verdict == (Allowed())


def test_the_facts_tell_how_many_faces_there_are(judge: Judge, photos: dict[str, Pixels]) -> None:
    counted = {
        name: len(
            judge.request(prompt="snow", locale="en", look=None, attested=False, pixels=pixels).facts.faces
        )
        for name, pixels in photos.items()
    }

    assert counted == {"landscape": 0, "portrait": 1, "couple": 2}


def test_every_gate_speaks_when_explaining(judge: Judge, photos: dict[str, Pixels]) -> None:
    explained = judge.explain(prompt="he is naked", locale="en", pixels=photos["portrait"])

    gates = [decision.gate for decision in explained.decisions if decision.gate != "photo.written"]
    assert gates == [
        "prompt.spelled_out",
        "prompt.concepts",
        "prompt.understood",
        "prompt.meaning",
        "photo.known",
        "photo.nudity",
        "pair.matrix",
    ]


LUMINANCE = np.full((48, 4, 4), 0.4, np.float32)


def test_an_honest_clip_passes(judge: Judge, photos: dict[str, Pixels]) -> None:
    photo = photos["portrait"]
    darker = [(photo * level).astype(np.uint8) for level in (1.0, 0.9, 0.8, 0.7)]

    screened = judge.clip(
        frames=darker,
        luminance=LUMINANCE,
        frames_per_second=24,
        pixels=photo,
        facts=PhotoFacts(faces=(FACE,)),
    )

    assert screened.verdict == Allowed()
    assert [decision.gate for decision in screened.decisions] == [
        "clip.flashing",
        "clip.exposure",
        "clip.stranger",
    ]


def test_a_face_that_the_photo_lacks_is_remade_and_then_refused(
    judge: Judge, photos: dict[str, Pixels], with_face: Callable[..., Pixels]
) -> None:
    photo = photos["landscape"]
    haunted = with_face(photo, x=180, y=200)
    frames = [photo, photo, haunted, haunted]

    first, second = (
        judge.clip(
            frames=frames,
            luminance=LUMINANCE,
            frames_per_second=24,
            pixels=photo,
            facts=PhotoFacts(),
            remade=remade,
        ).verdict
        for remade in (False, True)
    )

    assert (type(first).__name__, first.reason) == ("Remake", Reason.UNKNOWN_FACE)
    assert (type(second).__name__, second.reason) == ("Refusal", Reason.UNKNOWN_FACE)


def test_a_gate_that_raises_is_not_an_allowance(judge: Judge) -> None:
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever it is, it goes up
        judge.request(
            prompt="snow", locale="en", look=None, attested=False, pixels=np.zeros((0, 0, 3), np.uint8)
        )
