"""Keyed hashes of people, chats and messages: what the engine gets instead of them."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import uuid
from pathlib import Path

from engine.errors import ConfigError
from handlers.context import Identities

SECRET_BYTES = 32


class KeyedIdentities(Identities):
    """Implements `handlers.context.Identities` with HMAC-SHA-256; without the secret nothing can be computed back."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def job_id(self, chat_id: int, message_id: int, press: str = "") -> str:
        return str(_as_uuid(self._hash(f"job:{chat_id}:{message_id}:{press}")))

    def requester(self, user_id: int) -> str:
        return self._hash(f"requester:{user_id}").hex()[:32]

    def group(self, chat_id: int) -> str:
        return self._hash(f"group:{chat_id}").hex()[:32]

    def _hash(self, text: str) -> bytes:
        return hmac.new(self._secret, text.encode(), hashlib.sha256).digest()


def load_secret(path: Path) -> bytes:
    """The secret in the file, made at the first start. Raises ConfigError where the file is not such a secret."""
    if not path.exists():
        _write_new(path, secrets.token_hex(SECRET_BYTES))
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (ValueError, UnicodeDecodeError):
        secret = b""
    if len(secret) != SECRET_BYTES:
        raise ConfigError(f"{path.name} is not a secret of this bot; put the right file back, or remove it")
    return secret


def _write_new(path: Path, text: str) -> None:
    """Write all of it or nothing, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _as_uuid(digest: bytes) -> uuid.UUID:
    """RFC 9562 version 8, "custom": the digest's first 122 free bits."""
    value = int.from_bytes(digest[:16])
    value = value & ~(0xF << 76) | 8 << 76
    value = value & ~(0b11 << 62) | 0b10 << 62
    return uuid.UUID(int=value)
