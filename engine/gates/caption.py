"""A caption made ready for the gates: disguises undone, languages guessed, words folded. Made once a request."""

from __future__ import annotations

from dataclasses import dataclass

from engine.classifiers.languages import Guess, LanguageGuesser
from engine.classifiers.sentences import LANGUAGES
from engine.gates.wordbook import wordbook_languages
from engine.prompts.normalise import Normalised, normalise

_LIKELY = 0.15
"""A language this likely has its words read too: short captions leave the guesser between relatives."""
_SURE = 0.9
_WINDOW = 4
"""Words at a time when English is looked for inside a caption in another language."""
NAMES = "names"
"""The wordbook of names, which is read in every caption."""


@dataclass(frozen=True, slots=True)
class Caption:
    """`languages` are those whose wordbooks are read: the guessed ones, the person's own and English.

    `encoder_share` is how likely the caption is in a language that the sentence encoder knows, 0..1.
    """

    text: Normalised
    guess: Guess
    encoder_share: float
    languages: tuple[str, ...]

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        return self.text.words


def read_caption(prompt: str, *, locale: str, guesser: LanguageGuesser) -> Caption:
    """`locale` is the person's (`pt-BR`); it only adds a language to look in, never takes one away."""
    text = normalise(prompt)
    ranked = guesser.rank(text.restored, 8)
    own = locale.split("-", maxsplit=1)[0].lower()
    likely = [g.language for g in ranked if g.sure >= _LIKELY]
    english = () if _is_surely_not_english(text, ranked[0], guesser) else ("en",)
    candidates = dict.fromkeys([*likely, *_same_script(text), own, *english, NAMES])
    known = tuple(code for code in candidates if code in wordbook_languages())
    share = sum(g.sure for g in ranked if g.language in LANGUAGES)
    at_home = ranked[0].sure < _SURE and own in LANGUAGES and ranked[0].language != own and _is_latin(text)
    return Caption(text=text, guess=ranked[0], encoder_share=1.0 if at_home else share, languages=known)


def _is_surely_not_english(text: Normalised, best: Guess, guesser: LanguageGuesser) -> bool:
    """Polish "stole" (tables) is not English "stole"; but English words within a Polish caption are English."""
    if best.language == "en" or best.sure < _SURE or best.language not in wordbook_languages():
        return False
    words = text.restored.split(" ")
    windows = (" ".join(words[i : i + _WINDOW]) for i in range(0, max(1, len(words) - 2), _WINDOW // 2))
    return not any(
        g.language == "en" and g.sure >= _LIKELY for part in windows for g in guesser.rank(part, 2)
    )


def _is_latin(text: Normalised) -> bool:
    return all(c < "\u0250" for c in text.plain if c.isalpha())


def _same_script(text: Normalised) -> tuple[str, ...]:
    """Where a script has few languages all of them are read: guessing among them costs more than reading."""
    letters = text.plain
    if any("\u0400" <= c <= "\u04ff" for c in letters):
        return ("ru", "uk")
    if any("\u0600" <= c <= "\u06ff" for c in letters):
        return ("ar", "fa")
    if any("\u0900" <= c <= "\u097f" for c in letters):
        return ("hi",)
    if any("\u4e00" <= c <= "\u9fff" for c in letters):
        return ("zh",)
    return ()
