"""`docs/policy.md` and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

from engine.gates import exposure, flashing, stranger
from engine.gates.concepts import Ask
from engine.gates.pair import Cell, No, Ok, Presets, Row
from engine.policy import MATRIX
from engine.schema import Reason

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


def test_the_matrix_on_the_page_is_the_matrix() -> None:
    heading = "| photo shows | " + " | ".join(ask.value for ask in Ask) + " |"
    rows = [f"| {row.value} | " + " | ".join(words(MATRIX[row][ask]) for ask in Ask) + " |" for row in Row]

    assert "\n".join([heading, "| --- " * (len(Ask) + 1) + "|", *rows]) in PAGE


def test_the_thresholds_on_the_page_are_those_of_the_gates() -> None:
    assert f"more than {flashing.MOST_PER_SECOND} in any second" in PAGE
    assert f"≥ {exposure.LEAST} and ≥ photo + {exposure.RISE}" in PAGE
    assert f"faces ≥ {stranger.LEAST_SIDE_PIXELS} px, detector ≥ {stranger.LEAST_SCORE}" in PAGE


def test_every_gate_of_the_clip_is_on_the_page() -> None:
    assert all(f"`{gate.GATE}`" in PAGE for gate in (flashing, exposure, stranger))
