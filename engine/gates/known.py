"""Refuses a photo that is on the operator's list of known pictures, also scaled, recompressed or mirrored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.classifiers.pdq import BITS, bits_apart, hash_picture
from engine.errors import ConfigError
from engine.gates import ALLOWED, Ruling
from engine.schema import Reason
from engine.verdicts import Refusal

GATE = "photo.known"

NEAR_BITS = 31
"""Pictures at most this many of 256 bits apart are the same one: the threshold that PDQ's authors recommend."""
LEAST_QUALITY = 50
"""A flat picture's hash is near to many others."""


@dataclass(frozen=True, slots=True)
class KnownPictures:
    """PDQ hashes, (hashes, 32), and why each is on the list."""

    codes: NDArray[np.uint8]
    reasons: tuple[Reason, ...]

    @classmethod
    def load(cls, path: Path) -> KnownPictures:
        """A text file: 64 hexadecimal digits a line, and after a comma a reason of the policy where it is another one.

        Raises ConfigError where a line is something else: a list that is half read protects nobody.
        """
        try:
            lines = path.read_text(encoding="ascii").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"[policy] known_pictures cannot be read ({type(error).__name__})") from error
        return cls.parse(lines)

    @classmethod
    def parse(cls, lines: Iterable[str]) -> KnownPictures:
        """Raises ConfigError with the number of a line that is none."""
        codes, reasons = [], []
        for number, line in enumerate(lines, start=1):
            text = line.partition("#")[0].strip()
            if text:
                code, reason = _entry(text, number)
                codes.append(np.frombuffer(code, np.uint8))
                reasons.append(reason)
        return cls(np.stack(codes) if codes else np.zeros((0, BITS // 8), np.uint8), tuple(reasons))


def refuse_known(pixels: NDArray[np.uint8], known: KnownPictures) -> Ruling:
    """Looks at the picture and at its mirror image. The score is the nearest one's likeness, 0..1."""
    if not len(known.codes):
        return ALLOWED
    hashes = [hash_picture(pixels), hash_picture(pixels[:, ::-1])]
    if hashes[0].quality < LEAST_QUALITY:
        return ALLOWED
    distances = np.min([bits_apart(hashed.code, known.codes) for hashed in hashes], axis=0)
    nearest = int(distances.argmin())
    likeness = 1.0 - float(distances[nearest]) / BITS
    if distances[nearest] > NEAR_BITS:
        return Ruling(ALLOWED.verdict, likeness)
    return Ruling(Refusal(reason=known.reasons[nearest], gate=GATE, score=likeness), likeness)


def _entry(text: str, number: int) -> tuple[bytes, Reason]:
    digits, _, named = (part.strip() for part in text.partition(","))
    try:
        code, reason = bytes.fromhex(digits), Reason(named or Reason.KNOWN_PICTURE)
    except ValueError as error:
        raise ConfigError(f"[policy] known_pictures, line {number}: {error}") from error
    if len(code) != BITS // 8:
        raise ConfigError(f"[policy] known_pictures, line {number}: 64 hexadecimal digits are expected")
    return code, reason
