"""What a clip is to carry in its pixels: a number of its own, and the key that says where it lies.

The key is 32 random bytes beside the signing key, made once: no other can read the marks of before.
"""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path

import msgspec

from engine import logs
from engine.errors import ConfigError
from engine.provenance.private_files import replace_file

WATERMARK = "watermark.key"
KEY_BYTES = 32

NUMBER_BITS = 48

log = logs.get(__name__)


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker writes into a clip. The key is a secret, so it is not shown."""

    number: int
    key: bytes

    def __repr__(self) -> str:
        return f"Mark(number={self.number:012x})"


def mark_number(key: bytes, job_id: str) -> int:
    """The same for every attempt of a job; says nothing about the job to whom has not the key."""
    return int.from_bytes(hmac.digest(key, b"number" + job_id.encode(), "sha256")[: NUMBER_BITS // 8])


def bring_watermark_key(folder: Path) -> bytes:
    """The key in a folder of keys; a new one where there is none yet. Raises ConfigError.

    A backup of the folder holds it: with another key, clips of before are found by their fingerprints only.
    """
    path = folder / WATERMARK
    try:
        if not path.exists():
            replace_file(path, secrets.token_bytes(KEY_BYTES))
            log.info("watermark key made")
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read or made: {error.strerror}") from error
    if len(key) != KEY_BYTES:
        raise ConfigError(f"{path} must hold {KEY_BYTES} bytes: restore a backup of it")
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} can be read by others; run `chmod 600 {path}`")
    return key
