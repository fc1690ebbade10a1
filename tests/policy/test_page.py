"""`docs/policy.md` and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.classifiers.picture_judges import KINDS
from engine.gates import age, exposed, exposure, flashing, known, nudity, pair, sightings, stranger, written
from engine.gates.concepts import Ask
from engine.gates.pair import Cell, No, Ok, Presets, Row
from engine.policy import MATRICES, STRICT_NSFW_REFUSE
from engine.schema import Profile, Reason

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")
SCHEMA = (Path(__file__).parents[2] / "engine" / "schema.py").read_text(encoding="utf-8")


def words(cell: Cell) -> str:
    match cell:
        case Ok():
            return "ok"
        case Presets(reason):
            return f"presets: {reason.value}"
        case No(reason):
            return f"no: {reason.value}"


def test_every_reason_is_on_the_page_with_its_code() -> None:
    on_page = dict(re.findall(r"^\| `(\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    in_code = dict(re.findall(r'= "(\w+)"  # ([A-Z]\d)\b', SCHEMA))

    assert on_page == in_code
    assert set(on_page) == {reason.value for reason in Reason}


@pytest.mark.parametrize("profile", Profile)
def test_the_matrix_on_the_page_is_the_matrix(profile: Profile) -> None:
    heading = "| photo shows | " + " | ".join(ask.value for ask in Ask) + " |"
    matrix = MATRICES[profile]
    rows = [f"| {row.value} | " + " | ".join(words(matrix[row][ask]) for ask in Ask) + " |" for row in Row]

    assert "\n".join([heading, "| --- " * (len(Ask) + 1) + "|", *rows]) in PAGE


def test_the_thresholds_on_the_page_are_those_of_the_gates() -> None:
    assert f"more than {flashing.MOST_PER_SECOND} in any second" in PAGE
    assert f"≥ {exposure.LEAST} and ≥ photo + {exposure.RISE}" in PAGE
    assert f"faces ≥ {sightings.LEAST_SIDE_PIXELS} px, detector ≥ {sightings.LEAST_SCORE}" in PAGE
    assert f"< {stranger.SIDE_BELOW} where it is seen from the side" in PAGE

    assert f"at most {known.NEAR_BITS} of 256 bits apart" in PAGE
    assert f"at ≥ {exposed.LEAST} in the photo" in PAGE
    assert f"≥ {exposed.DOUBT} or NudeNet ≥ {exposed.SURE}" in PAGE
    assert f"looks younger than {age.CHILD_BELOW:.0f}" in PAGE
    assert f"where a minor is possible ({age.MINOR_POSSIBLE})" in PAGE
    assert f"from {written.INSTRUCTION_WORDS} words on" in PAGE
    assert f"open_nsfw {STRICT_NSFW_REFUSE} on" in PAGE


def test_every_gate_of_photo_and_clip_is_on_the_page() -> None:
    gates = [gate.GATE for gate in (flashing, exposure, stranger, known, nudity, exposed, written, age, pair)]

    assert all(f"`{gate}`" in PAGE for gate in [*gates, *(f"photo.{name}" for name in KINDS)])
