"""X.509 certificates for signing claims: how ours are made, and what must be true of one before we sign with it.

Root (P-384) → issuing CA (P-384) → leaf (ES256), after the C2PA certificate profiles 0.2 as far as they can be
true of a private authority: no assurance level, conformance record, C2PA policy or OCSP address is claimed.
The leaf may sign claims, and protect e-mail: other people's readers ask for that purpose by default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ROOT_DAYS = 3650
ISSUING_DAYS = 1827
LEAF_DAYS = 366
"""The longest life of a leaf at assurance level 1 (C2PA certificate profiles 0.2)."""

CLOCK_SKEW = timedelta(minutes=5)

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
PURPOSES = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)

Extension = TypeVar("Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate and its key. `key` of a leaf is P-256, of the authorities above it P-384."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_root(operator: str, *, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name(operator, "Zoetrope Root CA")
    builder = _builder(name, issuer=name, public=key.public_key(), now=now, days=ROOT_DAYS)
    return Authority(_as_authority(builder, path_length=1).sign(key, hashes.SHA384()), key)


def make_issuing(operator: str, *, root: Authority, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name(operator, "Zoetrope Claim Signing CA")
    issuer = root.certificate.subject
    builder = _builder(name, issuer=issuer, public=key.public_key(), now=now, days=ISSUING_DAYS)
    builder = _for_our_purposes(_issued_by(_as_authority(builder, path_length=0), root))
    return Authority(builder.sign(root.key, hashes.SHA384()), key)


def make_leaf(operator: str, *, issuing: Authority, now: datetime) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = issuing.certificate.subject
    builder = _builder(
        _name(operator, "Zoetrope"), issuer=issuer, public=key.public_key(), now=now, days=LEAF_DAYS
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_key_usage(signs_content=True), critical=True)
    builder = _for_our_purposes(_issued_by(builder, issuing))
    return Authority(builder.sign(issuing.key, hashes.SHA384()), key)


def chain_problem(chain: Sequence[x509.Certificate], *, now: datetime) -> str | None:
    """What is wrong with a chain that goes from the leaf to the root, or None.

    The C2PA library takes a leaf that may not sign and one that signed itself (measured): it cannot be asked.
    """
    if len(chain) < 3:
        return "there is no issuing certificate between leaf and root"
    return next(filter(None, (_time_problem(it, now=now) for it in chain)), None) or _link_problem(chain)


def leaf_problem(leaf: x509.Certificate) -> str | None:
    """What keeps this leaf from signing claims with ES256, or None."""
    public = leaf.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        return "the key is not on P-256, which ES256 needs"
    usage, purposes = _extension(leaf, x509.KeyUsage), _extension(leaf, x509.ExtendedKeyUsage)
    limits = _extension(leaf, x509.BasicConstraints)
    if usage is None or not usage.digital_signature or limits is None or limits.ca:
        return "the certificate may not sign content"
    if purposes is None or not set(PURPOSES) <= set(purposes):
        return "the certificate is not for signing claims and protecting e-mail"
    return None


def organisation(certificate: x509.Certificate) -> str:
    """The subject's organisation, or its common name where it states none."""
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(oid):
            return str(attribute.value)
    return ""


def _time_problem(certificate: x509.Certificate, *, now: datetime) -> str | None:
    name = certificate.subject.rfc4514_string()
    if now > certificate.not_valid_after_utc:
        return f"the certificate {name} expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
    if now < certificate.not_valid_before_utc:
        return f"the certificate {name} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d} (is the clock right?)"
    return None


def _link_problem(chain: Sequence[x509.Certificate]) -> str | None:
    for certificate, issuer in zip(chain, [*chain[1:], chain[-1]], strict=True):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            return "the certificates are not one chain from the leaf to the root"
        if not _may_issue(issuer):
            return "a certificate in the chain was issued by one that may not issue any"
    return None


def _may_issue(certificate: x509.Certificate) -> bool:
    usage, limits = _extension(certificate, x509.KeyUsage), _extension(certificate, x509.BasicConstraints)
    return usage is not None and usage.key_cert_sign and limits is not None and limits.ca


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _builder(
    subject: x509.Name, *, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    begins = now - CLOCK_SKEW
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _as_authority(builder: x509.CertificateBuilder, *, path_length: int) -> x509.CertificateBuilder:
    limits = x509.BasicConstraints(ca=True, path_length=path_length)
    usage = _key_usage(signs_content=False)
    return builder.add_extension(limits, critical=True).add_extension(usage, critical=True)


def _issued_by(builder: x509.CertificateBuilder, authority: Authority) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return builder.add_extension(identifier, critical=False)


def _for_our_purposes(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    return builder.add_extension(x509.ExtendedKeyUsage(PURPOSES), critical=False)


def _key_usage(*, signs_content: bool) -> x509.KeyUsage:
    """A leaf signs content; an authority signs certificates and revocation lists."""
    return x509.KeyUsage(
        digital_signature=signs_content,
        content_commitment=signs_content,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_content,
        crl_sign=not signs_content,
        encipher_only=False,
        decipher_only=False,
    )


def _name(operator: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, operator),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )
