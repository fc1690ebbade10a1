"""Free text that nobody here can read gets preset motions: no silent pass, and no refusal either."""

from __future__ import annotations

from engine.classifiers.sentences import LANGUAGES
from engine.gates import ALLOWED, Ruling
from engine.gates.caption import Caption
from engine.gates.concepts import Ask, Reading
from engine.prompts.parse import parse_prompt
from engine.schema import Reason
from engine.verdicts import RestrictedTo

GATE = "prompt.understood"

HARMLESS = frozenset({Ask.GENTLE, Ask.FREE, Ask.ACTION, Ask.AFFECTION})
_FEW_WORDS = 2
_SURE = 0.5
_MOSTLY = 0.5


def restrict_unknown(caption: Caption, reading: Reading, *, presets: tuple[str, ...]) -> Ruling:
    """A word that a table or the renderer knows is understood, also alone. A language outside the encoder's needs mostly such."""
    if not caption.text.plain or _is_understood(caption, reading):
        return ALLOWED
    return Ruling(RestrictedTo(reason=Reason.UNCLEAR_PROMPT, presets=presets, gate=GATE), 1.0)


def _is_understood(caption: Caption, reading: Reading) -> bool:
    if len(caption.words) <= _FEW_WORDS:
        return not is_meaningless(caption, reading)
    if not is_foreign(caption):
        return True
    return reading.asks <= HARMLESS and reading.known_words >= _MOSTLY * len(caption.words)


def is_meaningless(caption: Caption, reading: Reading) -> bool:
    """One or two words that no table knows: what the encoder makes of "asdf jkl" is chance."""
    if len(caption.words) > _FEW_WORDS or reading.known_words:
        return False
    return not parse_prompt(caption.text.plain, locale="en").understood


def is_foreign(caption: Caption) -> bool:
    """Surely in a language that the encoder was not trained on."""
    return caption.guess.language not in LANGUAGES and caption.encoder_share < 1 - _SURE
