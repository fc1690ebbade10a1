"""The words of a label: which text in which language, and in which glyphs of which font."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files

from PIL import ImageFont

from engine.provenance.source_type import SourceType

FALLBACK = "en"

RIGHT_TO_LEFT = frozenset({"arabic", "hebrew"})

REFERENCES = {"arabic": "ا", "hebrew": "א", "devanagari": "क", "bengali": "ক", "thai": "ก"}
"""The letter whose height counts as the letters' height; elsewhere it is a capital A."""

_ALIASES = {"iw": "he", "in": "id", "no": "nb", "nn": "nb"}


@dataclass(frozen=True, slots=True)
class Words:
    """A label's text as a person writes it, and the script whose font sets it."""

    text: str
    script: str

    def glyphs(self, part: str) -> str:
        """A part of the text, whole words, as characters of the font from left to right.

        Where letters join, stack or run from the right, a finished word is one glyph (`scripts/subset-fonts`),
        so that no shaping library is needed: Pillow's takes a system library that is often missing.
        """
        shaped = _shaped_words().get(self.script)
        if shaped is None:
            return part
        words = [shaped[word] for word in part.split()]
        return " ".join(reversed(words) if self.script in RIGHT_TO_LEFT else words)


def find_words(source_type: SourceType, locale: str) -> Words:
    """By language, without regard to region; English where we have no words."""
    language = locale.lower().partition("-")[0]
    entry = _texts().get(_ALIASES.get(language, language), _texts()[FALLBACK])
    match source_type:
        case SourceType.GENERATED:
            return Words(text=entry["generated"], script=entry["script"])
        case SourceType.MODIFIED:
            return Words(text=entry["modified"], script=entry["script"])


def languages() -> tuple[str, ...]:
    """Every language that has words of its own."""
    return tuple(_texts())


@cache
def load_font(script: str, *, pixels: float) -> ImageFont.FreeTypeFont:
    """The font of a script; `pixels` is the size of its em."""
    fonts = files(__package__) / "fonts"
    (found,) = (it for it in fonts.iterdir() if it.name in {f"{script}.ttf", f"{script}.otf"})
    with as_file(found) as path:
        return ImageFont.truetype(path, pixels, layout_engine=ImageFont.Layout.BASIC)


@cache
def letter_share(script: str) -> float:
    """Height of a script's reference letter as a share of the em."""
    font = load_font(script, pixels=1000)
    return -float(font.getbbox(REFERENCES.get(script, "A"), anchor="ls")[1]) / 1000


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "words.toml").read_text(encoding="utf-8"))


@cache
def _shaped_words() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((files(__package__) / "fonts" / "words.toml").read_text(encoding="utf-8"))
