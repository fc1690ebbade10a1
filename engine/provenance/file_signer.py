"""The signer over a file: the interface of tokens and key services (`holder.py`) at its shortest, to copy from."""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from engine.provenance.holder import COORDINATE_BYTES, Sign
from engine.provenance.keys import read_key


def open_file(folder: Path) -> Sign:
    """The key of `signing.pem`. Raises ConfigError."""
    key = read_key(folder)

    def sign(data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")

    return sign
