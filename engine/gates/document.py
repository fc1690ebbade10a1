"""Whether a photo is of a document with private data, told by what is written in it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_MACHINE_READABLE = re.compile(r"^[A-Z0-9<]{20,44}$")
_CARD_NUMBER = re.compile(r"(?<!\d)(?:\d{4}[ -]?){3}\d{1,7}(?!\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b")

_TITLES = re.compile(
    r"\b(?:identity card|identification card|driver'?s? licen[cs]e|driving licen[cs]e|residence permit|social security"
    r"|personalausweis|f(?:ü|u|ue)hrerschein|reisepass|aufenthaltstitel"
    r"|carta d'?identit(?:à|a)|patente di guida|passaporto|tessera sanitaria"
    r"|documento nacional de identidad|permiso de conducir|carte nationale d'?identit(?:é|e)|permis de conduire"
    r"|carteira de identidade|carteira nacional de habilita(?:ç|c)(?:ã|a)o|dow(?:ó|o)d osobisty|prawo jazdy"
    r"|n(?:ü|u)fus c(?:ü|u)zdan(?:ı|i)|s(?:ü|u)r(?:ü|u)c(?:ü|u) belgesi|kartu tanda penduduk|surat izin mengemudi)\b",
    re.IGNORECASE,
)
"""What stands at the top of such documents. `passport` alone also names a shop and a game: it needs one of the others."""

_CHEVRONS = 3
_CHECK_MODULUS = 97


def is_document(lines: Sequence[str]) -> bool:
    """A machine-readable zone, a bank card's number, an IBAN, or an official title. Nothing of it is kept."""
    text = "\n".join(lines)
    return (
        any(_is_machine_readable(line) for line in lines)
        or any(_passes_luhn(match.group()) for match in _CARD_NUMBER.finditer(text))
        or any(_passes_mod_97(line.replace(" ", "")) for line in lines)
        or _TITLES.search(text) is not None
    )


def _is_machine_readable(line: str) -> bool:
    squeezed = line.replace(" ", "").replace("«", "<<")
    return _MACHINE_READABLE.match(squeezed) is not None and squeezed.count("<") >= _CHEVRONS


def _passes_luhn(text: str) -> bool:
    digits = [int(character) for character in text if character.isdigit()]
    doubled = [
        digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(digits[::-1])
    ]
    return len(set(digits)) > 1 and sum(doubled) % 10 == 0


def _passes_mod_97(line: str) -> bool:
    """ISO 13616: the first four characters go to the end, letters become numbers."""
    found = _IBAN.search(line)
    if found is None:
        return False
    turned = found.group()[4:] + found.group()[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % _CHECK_MODULUS == 1
