"""Undoes disguises in a caption, for matching only: a renderer always gets the person's own words.

The order matters (each step needs the one before): compatibility forms → invisible characters → case →
letters joined that one separator keeps apart → look-alike letters folded *per word* → emoji as words →
digits that stand for letters → accents → stretched letters. Every step is linear in the text. Look-alikes
are folded per word and towards the script that the word is really in, so that Russian stays Russian.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, product

from engine.prompts.disguises import (
    CYRILLIC_TO_LATIN,
    EMOJI_WORDS,
    INVISIBLE,
    LEET,
    SEPARATORS,
    UNITS,
)

_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0dff\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])+")
"""Letters and digits, with the vowel signs that Indic scripts and Thai write as marks."""
_SPACES = re.compile(r"\s+")
_LATIN_TO_CYRILLIC = {
    latin: cyrillic for cyrillic, latin in CYRILLIC_TO_LATIN.items() if cyrillic in "аеорсухікмтнв"
}
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ة": "ه", "ى": "ي", "ـ": None})
_MANY_STRETCHES = 3
"""More stretched places than this in one word are all read as single letters."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """A caption in the forms that gates read.

    `plain` is lower-cased and tidied, `restored` has every disguise undone and honest accents kept.
    `words` holds each word's possible spellings, folded by `fold`: a stretched letter may be one or two.
    """

    plain: str
    restored: str
    words: tuple[tuple[str, ...], ...]
    spelled_out: bool


def normalise(text: str) -> Normalised:
    """All disguises undone. Linear; never raises."""
    plain = _tidy(text)
    joined = _join_single_letters(_visible_lower(text))
    folded = _emoji_to_words(" ".join(_fold_lookalikes(joined)))
    restored = _drop_strikes(unicodedata.normalize("NFC", _leet_to_letters(folded)))
    words = tuple(tuple(dict.fromkeys(fold(s) for s in _spellings(word))) for word in split_words(restored))
    return Normalised(
        plain=plain,
        restored=_SPACES.sub(" ", _unstretch(restored)).strip(),
        words=words,
        spelled_out=_is_spelled_out(plain),
    )


def fold(word: str) -> str:
    """One word (or phrase) as tables and captions are compared: no case, no accents, plain Arabic alef."""
    visible = _visible_lower(word).translate(_ARABIC)
    marked = "".join(c for c in visible if not "\u064b" <= c <= "\u0652")
    return _strip_marks("".join(_LATIN_VARIANTS.get(c, c) for c in marked))


def split_words(text: str) -> list[str]:
    """Words of a text; scripts that write without spaces come as single characters."""
    return [part for match in _WORD.finditer(_drop_strikes(text)) for part in _split_unspaced(match.group())]


# --- characters ------------------------------------------------------------------------------------------

_LATIN_VARIANTS = {"ı": "i", "ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t"}
_SEPARATOR_SET = frozenset(SEPARATORS)


def _visible_lower(text: str) -> str:
    return INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _tidy(text: str) -> str:
    return _SPACES.sub(" ", _visible_lower(text)).strip()


def _drop_strikes(text: str) -> str:
    """Marks that stay apart when letters are composed: strike-through goes, the accent of é stays."""
    return "".join("" if _is_strikable(c) else c for c in text)


def _is_strikable(character: str) -> bool:
    return (
        "\u0300" <= character <= "\u036f"
        or "\u1ab0" <= character <= "\u1aff"
        or "\u1dc0" <= character <= "\u1dff"
        or "\u20d0" <= character <= "\u20ff"
    )


def _strip_marks(text: str) -> str:
    """Accents and strike-through of Latin, Greek and Cyrillic; never Indic vowel signs, kana or Hangul."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not _is_strikable(c)))


def _script(character: str) -> str:
    """`LATIN`, `CYRILLIC`, …; empty for what is not a letter."""
    if not character.isalpha():
        return ""
    return "LATIN" if character.isascii() else unicodedata.name(character, "").split(" ")[0]


def _is_unspaced(character: str) -> bool:
    """Han, kana and Thai: written without spaces between words."""
    return (
        "\u4e00" <= character <= "\u9fff"
        or "\u3040" <= character <= "\u30ff"
        or "\u3400" <= character <= "\u4dbf"
        or "\u0e00" <= character <= "\u0e7f"
    )


def _split_unspaced(word: str) -> Iterator[str]:
    for unspaced, run in groupby(word, key=_is_unspaced):
        if unspaced:
            yield from run
        else:
            yield "".join(run)


# --- "t a k e  o f f" ------------------------------------------------------------------------------------


def _join_single_letters(text: str) -> str:
    """Three or more single letters with the *same* separator become a word; two separators end it."""
    out: list[str] = []
    i = 0
    while i < len(text):
        end = _end_of_spelling(text, i)
        if end > i + 4:
            out.append(text[i:end:2])
            i = end
        else:
            out.append(text[i])
            i += 1
    return "".join(out)


def _end_of_spelling(text: str, start: int) -> int:
    """Where the run `x-x-x` that begins at `start` ends; `start` where none begins."""
    if not _joinable(text, start) or (start and _is_letter(text[start - 1])):
        return start
    separator = text[start + 1 : start + 2]
    if separator not in _SEPARATOR_SET:
        return start
    end = start + 1
    while (
        text[end : end + 1] == separator
        and _joinable(text, end + 1)
        and not _is_letter(text[end + 2 : end + 3])
    ):
        end += 2
    return end


def _is_letter(character: str) -> bool:
    return bool(character) and (character.isalnum() or character in "@$")


def _joinable(text: str, i: int) -> bool:
    """Latin, Greek and Cyrillic letters and leet digits; Han and Hangul have one-letter words."""
    return i < len(text) and _is_letter(text[i]) and text[i] < "\u0530"


def _is_spelled_out(plain: str) -> bool:
    """Most words are single letters: nobody types that by accident (fires on 0 of 7,972 honest captions)."""
    words = [word for word in _WORD.findall(_strip_marks(plain)) if not word.isdigit()]
    single = sum(len(word) == 1 and word < "\u0530" for word in words)
    return len(words) >= 6 and single > 0.6 * len(words)


# --- look-alike letters ----------------------------------------------------------------------------------


def _fold_lookalikes(text: str) -> Iterator[str]:
    scripts = [script for script in map(_script, text) if script]
    mostly_latin = scripts.count("LATIN") > len(scripts) / 2
    for word in text.split(" "):
        yield _fold_word(word, mostly_latin=mostly_latin)


def _fold_word(word: str, *, mostly_latin: bool) -> str:
    if word.isascii():
        return word
    word = "".join(_LATIN_VARIANTS.get(c, c) for c in word)
    scripts = {script for script in map(_script, word) if script}
    if scripts == {"LATIN", "CYRILLIC"} and not _could_be_latin(word):
        return "".join(_LATIN_TO_CYRILLIC.get(c, c) for c in word)
    if "LATIN" in scripts or (mostly_latin and _could_be_latin(word)):
        return "".join(CYRILLIC_TO_LATIN.get(c, c) for c in word)
    return word


def _could_be_latin(word: str) -> bool:
    return all(_script(c) in {"", "LATIN"} or c in CYRILLIC_TO_LATIN for c in word)


# --- emoji, digits, stretched letters ---------------------------------------------------------------------


def _emoji_to_words(text: str) -> str:
    if text.isascii():
        return text
    return "".join(f" {EMOJI_WORDS[c]} " if c in EMOJI_WORDS else c for c in text)


def _leet_to_letters(text: str) -> str:
    words = text.split(" ")
    mixed = sum(map(_is_mixed, words))
    everything = len(words) >= 3 and mixed > 0.3 * len(words)
    return " ".join(_read_leet(word) if everything or _is_mixed(word) else word for word in words)


def _is_mixed(word: str) -> bool:
    """Letters with digits or signs among them: "n4ked"; not "60fps", "3d", "great!!"."""
    core = word.strip("!.,?:;()\"'+|")
    letters = sum(c.isalpha() for c in core)
    return letters > 0 and any(c in LEET for c in core) and core.lstrip("0123456789.,") not in UNITS


def _read_leet(word: str) -> str:
    core = word.rstrip("!.,?:;")
    if core.isdigit() and len(core) > 2:
        return word
    return "".join(LEET.get(c, c) for c in core) + word[len(core) :]


def _stretches(word: str) -> list[tuple[str, int]]:
    return [(letter, len(list(run))) for letter, run in groupby(word)]


def _unstretch(text: str) -> str:
    return "".join(
        letter if count > 2 and letter.isalpha() else letter * count for letter, count in _stretches(text)
    )


def _spellings(word: str) -> Iterator[str]:
    """Each stretched letter once or twice: kisssss is kis or kiss."""
    runs = _stretches(word)
    stretched = sum(count > 2 for _, count in runs)
    if not stretched or stretched > _MANY_STRETCHES:
        yield _unstretch(word)
        return
    choices = [(letter, letter * 2) if count > 2 else (letter * count,) for letter, count in runs]
    yield from ("".join(choice) for choice in product(*choices))
