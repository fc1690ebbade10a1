"""A signing key that never comes to us: behind a PKCS#11 token or a key management service.

`[provenance] signer` names the function that opens it, as `package.module:function`; `file_signer.py` is the shortest.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from engine import logs
from engine.errors import ConfigError

Sign = Callable[[bytes], bytes]
"""ES256 over the data: SHA-256, then ECDSA on P-256, as r and s of 32 bytes each. It should answer within seconds:
no other clip is signed meanwhile."""

OpenSigner = Callable[[Path], Sign]
"""Takes the folder of keys, where a signer may keep its settings. May raise ConfigError."""

COORDINATE_BYTES = 32
_PROBE = b"zoetrope asks whether this key belongs to its certificate"

log = logs.get(__name__)


def open_signer(name: str, folder: Path) -> Sign:
    """The signer of that name, which logs when it fails: the C2PA library hides why. Raises ConfigError."""
    try:
        opened: OpenSigner = resolve_name(name)
    except (ValueError, ImportError, AttributeError) as error:
        raise ConfigError(
            f"[provenance] signer = {name!r} cannot be found ({type(error).__name__})"
        ) from error
    sign = opened(folder)

    def logged(data: bytes) -> bytes:
        try:
            return sign(data)
        except Exception as error:
            log.error("signer failed", signer=name, error=type(error).__name__)  # noqa: TRY400  # its words are not ours
            raise

    return logged


def signs_for(sign: Sign, public: ec.EllipticCurvePublicKey) -> bool:
    """Whether what it signs verifies under the certificate's key. Raises what the signer raises."""
    signature = sign(_PROBE)
    if len(signature) != 2 * COORDINATE_BYTES:
        return False
    r, s = (
        int.from_bytes(part, "big") for part in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:])
    )
    try:
        public.verify(encode_dss_signature(r, s), _PROBE, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True
