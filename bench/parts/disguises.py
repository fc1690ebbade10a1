"""Ways to hide a caption from a reader of words: the ten of the notes, and emoji for nouns. Latin ones."""

from __future__ import annotations

from collections.abc import Callable

_LEET = str.maketrans("aeiost", "4310$7")
_CYRILLIC = str.maketrans("aceopxy", "асеорху")
_EMOJI = {"gun": "🔫", "pistol": "🔫", "knife": "🔪", "blood": "🩸", "bomb": "💣", "baby": "👶"}


def _bold(text: str) -> str:
    return "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text)


def _fullwidth(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _emoji(text: str) -> str:
    return " ".join(_EMOJI.get(word, word) for word in text.split(" "))


DISGUISES: dict[str, Callable[[str], str]] = {
    "leet": lambda t: t.translate(_LEET),
    "homoglyphs": lambda t: t.translate(_CYRILLIC),
    "zero_width": "\u200b".join,
    "spaced": lambda t: "  ".join(" ".join(word) for word in t.split(" ")),
    "dotted": lambda t: " ".join(".".join(word) for word in t.split(" ")),
    "fullwidth": _fullwidth,
    "bold": _bold,
    "strike": lambda t: "".join(c + "\u0336" for c in t),
    "stretched": lambda t: "".join(c * 4 if c in "aeiou" else c for c in t),
    "upper": str.upper,
    "emoji": _emoji,
}
