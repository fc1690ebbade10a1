"""Photo and caption together: looks both up in the policy's matrix; the strictest cell wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.gates import ALLOWED, Ruling
from engine.gates.concepts import Ask
from engine.schema import Reason
from engine.verdicts import Refusal, RestrictedTo

GATE = "pair.matrix"


class Row(StrEnum):
    """What a photo shows, or what the caption says that it shows; the caption can only add rows."""

    NOBODY = "nobody"
    ONE = "one"
    SEVERAL = "several"
    CHILD = "child"  # by the caption, or by a face that looks like one
    YOUNG = "young"  # not surely an adult
    SUGGESTIVE = "suggestive"  # swimwear, underwear: open_nsfw between "restrict" and "refuse"
    PUBLIC_FIGURE = "public_figure"  # named in the caption
    DOCUMENT = "document"  # with private data
    WRITTEN = "written"  # text that could be an instruction; what it asks for joins the columns


@dataclass(frozen=True, slots=True)
class Ok:
    """Allowed."""


@dataclass(frozen=True, slots=True)
class Presets:
    """Preset motions only."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class No:
    """Refused."""

    reason: Reason


Cell = Ok | Presets | No
Matrix = Mapping[Row, Mapping[Ask, Cell]]

_ORDER = (Ok, Presets, No)


def strictest(first: Cell, second: Cell) -> Cell:
    """The first one where both are equally strict: its reason is the more telling."""
    return max((first, second), key=lambda cell: _ORDER.index(type(cell)))


def judge_pair(
    rows: Iterable[Row], asks: Iterable[Ask], *, matrix: Matrix, presets: tuple[str, ...]
) -> Ruling:
    """The strictest cell of all rows and columns that apply. Raises KeyError for a cell that the matrix lacks."""
    columns = tuple(asks)
    cells = [matrix[row][ask] for row in rows for ask in columns]
    refused = next((cell for cell in cells if isinstance(cell, No)), None)
    if refused is not None:
        return Ruling(Refusal(reason=refused.reason, gate=GATE, presets=presets), 1.0)
    limited = next((cell for cell in cells if isinstance(cell, Presets)), None)
    if limited is not None:
        return Ruling(RestrictedTo(reason=limited.reason, presets=presets, gate=GATE), 1.0)
    return ALLOWED
