"""The folder of signing keys: made once, never overwritten, checked before every use.

| file | holds | needed |
| --- | --- | --- |
| `signing.pem` | the leaf's key, the leaf, the issuing certificate | always |
| `root.pem` | the anchor by which we know our own clips; may be published | always |
| `issuing.key`, `issuing.pem` | what renews the leaf | once a year |
| `root.key` | what made the issuing certificate | never again: keep it elsewhere |

Key and certificates of the leaf share one file, so that a renewal is one atomic replacement. Keys from an authority are
imported: then there is no `issuing.*` and no `root.key`, and where a token or a service holds the key (`holder.py`),
`signing.pem` holds the certificates only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec

from engine.errors import ConfigError
from engine.provenance.certificates import (
    LEAF_DAYS,
    Authority,
    chain_problem,
    leaf_problem,
    make_issuing,
    make_leaf,
    make_root,
    organisation,
)
from engine.provenance.holder import Sign, open_signer, signs_for
from engine.provenance.private_files import replace_file, write_folder

ROOT, ROOT_KEY = "root.pem", "root.key"
ISSUING, ISSUING_KEY = "issuing.pem", "issuing.key"
SIGNING = "signing.pem"

IMPORT = "`python -m engine keys import`"
INIT = "`python -m engine keys init`"
RENEW = "`python -m engine keys renew`"

WARN_DAYS = 30.0
"""From here on, the start and `check-config` say that the leaf must be renewed."""

MAX_OPERATOR_CHARACTERS = 64
"""X.509's limit for an organisation's name."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What may be shown of a certificate. `sha256` is its fingerprint."""

    role: str
    name: str
    expires: datetime
    sha256: str

    def __str__(self) -> str:
        return f"{self.role:<8} {self.name}, until {self.expires:%Y-%m-%d}, sha256 {self.sha256}"


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What may be shown of a folder of keys, without key material. In order: root, issuing, leaf."""

    operator: str
    certificates: tuple[CertificateFacts, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.certificates))

    def warning(self, *, now: datetime | None = None) -> str:
        """One sentence when the leaf ends soon or has ended; else nothing."""
        days = (self.certificates[-1].expires - (now or datetime.now(UTC))) / timedelta(days=1)
        return (
            f"the signing certificate ends in {max(0, int(days))} days: run {RENEW}"
            if days < WARN_DAYS
            else ""
        )


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """What the signer needs, checked. `chain_pem` is leaf first, without the root, which is the anchor."""

    operator: str
    chain_pem: str
    root_pem: str
    expires: datetime
    key_pem: str | None = field(repr=False)
    held: Sign | None = None
    """Signs where the key is not ours to read; then `key_pem` is None."""

    def days_left(self, *, now: datetime | None = None) -> float:
        """Until the leaf expires; an alarm is due at 30."""
        return (self.expires - (now or datetime.now(UTC))) / timedelta(days=1)


def init_keys(folder: Path, *, operator: str, now: datetime | None = None) -> KeyFacts:
    """Make root, issuing CA and leaf. The folder appears whole or not at all, and only its owner can read it.

    Raises ConfigError where the folder holds anything already: keys are never overwritten.
    """
    if not 1 <= len(operator.strip()) <= MAX_OPERATOR_CHARACTERS:
        raise ConfigError(
            f"[provenance] operator: 1 to {MAX_OPERATOR_CHARACTERS} characters that say who signs"
        )
    _check_empty(folder)
    write_folder(folder, _new_files(operator.strip(), now=now or datetime.now(UTC)))
    return describe(folder)


def renew_leaf(folder: Path, *, operator: str, now: datetime | None = None) -> KeyFacts:
    """A new leaf with a new key under the same root; a running engine takes it at its next start.

    Raises ConfigError when the issuing key is not there, or its certificate ends before the new leaf would.
    """
    started = now or datetime.now(UTC)
    if not (folder / ISSUING).exists():
        raise ConfigError(
            f"{folder / ISSUING} is missing: bring it back from where it is kept; "
            f"a certificate from an authority is renewed there, and then taken with {IMPORT}"
        )
    issuing = Authority(_certificates(folder / ISSUING)[0], _private_key(folder / ISSUING_KEY))
    if issuing.certificate.not_valid_after_utc < started + timedelta(days=LEAF_DAYS):
        raise ConfigError(
            f"the issuing certificate in {folder} ends too soon; move the folder away and run {INIT}"
        )
    replace_file(folder / SIGNING, _signing_pem(operator.strip(), issuing=issuing, now=started))
    return describe(folder)


def import_keys(
    folder: Path, *, chain: Path, root: Path, key: Path | None, now: datetime | None = None
) -> KeyFacts:
    """Take a certificate that an authority issued: leaf and issuing certificates in `chain`, the anchor in `root`.

    `key` is None where a token or a service holds it. Raises ConfigError where they cannot sign claims, and where the
    folder holds anything already.
    """
    _check_empty(folder)
    certificates, anchor = _certificates(chain), _certificates(root)[0]
    private = None if key is None else _private_key(key)
    problem = chain_problem([*certificates, anchor], now=now or datetime.now(UTC)) or leaf_problem(
        certificates[0]
    )
    if problem is None and private is not None and private.public_key() != certificates[0].public_key():
        problem = "the key does not belong to the certificate"
    if problem is not None:
        raise ConfigError(f"{chain}: {problem}")
    signing = (b"" if private is None else _key_pem(private)) + b"".join(map(_certificate_pem, certificates))
    write_folder(folder, {SIGNING: signing, ROOT: _certificate_pem(anchor)})
    return describe(folder)


def describe(folder: Path) -> KeyFacts:
    """Names, expiry and fingerprints. Raises ConfigError where a file is missing or not a certificate."""
    root, (leaf, *between) = _certificates(folder / ROOT)[0], _certificates(folder / SIGNING)
    roles = [("root", root), *(("issuing", it) for it in reversed(between)), ("leaf", leaf)]
    return KeyFacts(operator=organisation(leaf), certificates=tuple(_facts(role, it) for role, it in roles))


def load_keys(folder: Path, *, signer: str = "", now: datetime | None = None) -> SigningKeys:
    """Read and check the signing key and its chain; `signer` names who holds the key. Raises ConfigError with what to do."""
    root, chain = _certificates(folder / ROOT)[0], _certificates(folder / SIGNING)
    problem = chain_problem([*chain, root], now=now or datetime.now(UTC)) or leaf_problem(chain[0])
    if problem is not None:
        raise ConfigError(f"{folder / SIGNING}: {problem}; run {RENEW}")
    held = open_signer(signer, folder) if signer else None
    key = read_key(folder) if held is None else None
    if not _belongs(chain[0], key=key, held=held):
        raise ConfigError(f"{folder / SIGNING}: the key does not belong to the certificate; run {RENEW}")
    return SigningKeys(
        operator=organisation(chain[0]),
        chain_pem=b"".join(map(_certificate_pem, chain)).decode(),
        root_pem=_certificate_pem(root).decode(),
        expires=chain[0].not_valid_after_utc,
        key_pem=None if key is None else _key_pem(key).decode(),
        held=held,
    )


def read_root(folder: Path) -> str:
    """The anchor by which our own clips are known, in PEM. Raises ConfigError."""
    return _certificate_pem(_certificates(folder / ROOT)[0]).decode()


def read_key(folder: Path) -> ec.EllipticCurvePrivateKey:
    """The leaf's key from its file, which nobody else may read. Raises ConfigError."""
    _check_private(folder / SIGNING)
    return _private_key(folder / SIGNING)


def _belongs(leaf: x509.Certificate, *, key: ec.EllipticCurvePrivateKey | None, held: Sign | None) -> bool:
    """Whether the key, or what holds it, is the certificate's. Raises ConfigError where the latter does not answer."""
    public = leaf.public_key()
    if held is None:
        return key is not None and key.public_key() == public
    assert isinstance(public, ec.EllipticCurvePublicKey)
    try:
        return signs_for(held, public)
    except Exception as error:
        raise ConfigError(f"[provenance] signer does not sign: {type(error).__name__}") from error


def _new_files(operator: str, *, now: datetime) -> Mapping[str, bytes]:
    root = make_root(operator, now=now)
    issuing = make_issuing(operator, root=root, now=now)
    return {
        ROOT: _certificate_pem(root.certificate),
        ROOT_KEY: _key_pem(root.key),
        ISSUING: _certificate_pem(issuing.certificate),
        ISSUING_KEY: _key_pem(issuing.key),
        SIGNING: _signing_pem(operator, issuing=issuing, now=now),
    }


def _signing_pem(operator: str, *, issuing: Authority, now: datetime) -> bytes:
    leaf = make_leaf(operator, issuing=issuing, now=now)
    return _key_pem(leaf.key) + _certificate_pem(leaf.certificate) + _certificate_pem(issuing.certificate)


def _facts(role: str, certificate: x509.Certificate) -> CertificateFacts:
    return CertificateFacts(
        role=role,
        name=certificate.subject.rfc4514_string(),
        expires=certificate.not_valid_after_utc,
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(pem.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption())


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except ValueError as error:
        raise ConfigError(f"{path} holds no certificate; move its folder away and run {INIT}") from error


def _private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = pem.load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} holds no private key that can be read; run {RENEW}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError(f"{path}: the key is not an elliptic curve key, as ES256 needs; run {RENEW}")
    return key


def _check_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            f"{folder} is not empty, and keys are never overwritten; to start anew, move it away"
        )


def _check_private(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise ConfigError(f"{path} can be read by others; run `chmod 600 {path}`")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing; run {INIT}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
