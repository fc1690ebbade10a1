import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric import ec

from engine.errors import ConfigError
from engine.provenance import keys
from engine.provenance.certificates import (
    PURPOSES,
    chain_problem,
    leaf_problem,
    make_issuing,
    make_leaf,
    make_root,
)
from engine.provenance.credentials import ClipSigner
from engine.provenance.file_signer import open_file
from engine.provenance.verify import examine

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    keys.init_keys(tmp_path / "keys", operator="Example", now=NOW)
    return tmp_path / "keys"


def test_keys_can_be_read_by_their_owner_only(folder):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == dict.fromkeys(
        ["root.pem", "root.key", "issuing.pem", "issuing.key", "signing.pem"], 0o600
    )


def test_the_chain_follows_the_c2pa_profile(folder):
    leaf, issuing = x509.load_pem_x509_certificates((folder / "signing.pem").read_bytes())
    root = x509.load_pem_x509_certificate((folder / "root.pem").read_bytes())

    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert (usage.value.digital_signature, usage.value.content_commitment, usage.value.key_cert_sign) == (
        True,
        True,
        False,
    )
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert set(leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == set(PURPOSES)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=366)
    assert isinstance(leaf.public_key().curve, ec.SECP256R1)
    assert isinstance(root.public_key().curve, ec.SECP384R1)
    leaf.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


def test_what_is_shown_of_keys_holds_no_key(folder):
    facts = keys.describe(folder)
    loaded = keys.load_keys(folder, now=NOW)

    assert facts.operator == "Example"
    assert [it.role for it in facts.certificates] == ["root", "issuing", "leaf"]
    assert "2027-11-2" in str(facts)
    assert "PRIVATE" not in str(facts) + repr(facts) + repr(loaded)
    assert "PRIVATE" in loaded.key_pem
    assert "PRIVATE" not in loaded.chain_pem + loaded.root_pem


def test_keys_are_never_overwritten(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    with pytest.raises(ConfigError, match="never overwritten"):
        keys.init_keys(folder, operator="Somebody else")

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_empty_folder_becomes_the_keys_and_nothing_is_left_beside_it(tmp_path):
    (tmp_path / "keys").mkdir(mode=0o755)

    keys.init_keys(tmp_path / "keys", operator="Example")

    assert [path.name for path in tmp_path.iterdir()] == ["keys"]
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


@pytest.mark.parametrize("operator", ["", "   ", "x" * 65])
def test_an_operator_needs_a_name_that_fits(operator, tmp_path):
    with pytest.raises(ConfigError, match="1 to 64 characters"):
        keys.init_keys(tmp_path / "keys", operator=operator)


def test_a_renewed_leaf_has_a_new_key_under_the_same_root(folder):
    before = keys.load_keys(folder, now=NOW)
    later = NOW + timedelta(days=300)

    keys.renew_leaf(folder, operator="New Name", now=later)

    after = keys.load_keys(folder, now=later)
    assert (after.root_pem, after.operator) == (before.root_pem, "New Name")
    assert after.key_pem != before.key_pem
    assert after.days_left(now=later) == pytest.approx(366, abs=0.01)
    assert sorted(path.name for path in folder.iterdir()) == [
        "issuing.key", "issuing.pem", "root.key", "root.pem", "signing.pem",
    ]  # fmt: skip


def test_a_leaf_that_would_outlive_its_issuer_is_not_made(folder):
    with pytest.raises(ConfigError, match="ends too soon"):
        keys.renew_leaf(folder, operator="Example", now=NOW + timedelta(days=1600))


def test_signing_needs_neither_the_roots_key_nor_the_issuing_one(folder):
    for name in ("root.key", "issuing.key", "issuing.pem"):
        (folder / name).unlink()

    assert keys.load_keys(folder, now=NOW).operator == "Example"
    with pytest.raises(ConfigError, match=r"issuing.pem is missing"):
        keys.renew_leaf(folder, operator="Example", now=NOW)


def test_an_expired_leaf_is_refused_and_says_what_to_do(folder):
    with pytest.raises(ConfigError, match=r"expired on 2027-11-\d\d; run `python -m engine keys renew`"):
        keys.load_keys(folder, now=NOW + timedelta(days=367))


def test_a_clock_before_the_certificates_is_named(folder):
    with pytest.raises(ConfigError, match="is the clock right"):
        keys.load_keys(folder, now=NOW - timedelta(days=1))


def test_a_missing_folder_says_how_to_make_one(tmp_path):
    with pytest.raises(ConfigError, match="keys init"):
        keys.load_keys(tmp_path / "nowhere")


def test_a_key_that_others_can_read_is_refused(folder):
    (folder / "signing.pem").chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        keys.load_keys(folder, now=NOW)


def test_rubbish_is_refused(folder):
    (folder / "signing.pem").write_text("not a key")

    with pytest.raises(ConfigError, match="holds no certificate"):
        keys.load_keys(folder, now=NOW)


def test_another_authoritys_root_is_refused(folder, tmp_path):
    keys.init_keys(tmp_path / "other", operator="Example", now=NOW)
    (folder / "root.pem").write_bytes((tmp_path / "other" / "root.pem").read_bytes())

    with pytest.raises(ConfigError, match="not one chain"):
        keys.load_keys(folder, now=NOW)


def test_a_key_of_another_certificate_is_refused(folder, tmp_path):
    keys.init_keys(tmp_path / "other", operator="Example", now=NOW)
    other_key = (tmp_path / "other" / "signing.pem").read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    own = (folder / "signing.pem").read_bytes()
    (folder / "signing.pem").write_bytes(other_key + own[own.index(b"-----BEGIN CERTIFICATE") :])

    with pytest.raises(ConfigError, match="does not belong"):
        keys.load_keys(folder, now=NOW)


def test_a_leaf_that_may_not_sign_or_signed_itself_is_found_out():
    root = make_root("Example", now=NOW)
    issuing = make_issuing("Example", root=root, now=NOW)
    leaf = make_leaf("Example", issuing=issuing, now=NOW)

    chain = [leaf.certificate, issuing.certificate, root.certificate]
    assert chain_problem(chain, now=NOW) is None
    assert leaf_problem(leaf.certificate) is None

    assert "no issuing certificate" in chain_problem([root.certificate, root.certificate], now=NOW)
    assert "not one chain" in chain_problem([leaf.certificate, root.certificate, root.certificate], now=NOW)
    assert "P-256" in leaf_problem(issuing.certificate)
    assert "may not issue" in chain_problem(
        [child_of(leaf), leaf.certificate, issuing.certificate, root.certificate], now=NOW
    )
    assert "may not sign" in leaf_problem(authority_on_p256(root))


def child_of(leaf):
    """A certificate issued by a leaf, which has no right to."""
    return make_leaf("Mallory", issuing=leaf, now=NOW).certificate


def authority_on_p256(root):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(root.certificate.subject)
        .issuer_name(root.certificate.subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=1))
        .sign(root.key, hashes.SHA384())
    )
    assert certificate.public_bytes(pem.Encoding.PEM)
    return certificate


# Keys from an authority, and keys that never come to us


@pytest.fixture
def issued(tmp_path):
    """What an authority hands out: the chain, its root, and the key, each in a file."""
    keys.init_keys(tmp_path / "authority", operator="Example", now=NOW)
    signing = (tmp_path / "authority" / "signing.pem").read_bytes()
    key, _, chain = signing.partition(b"-----BEGIN CERTIFICATE")
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "chain.pem").write_bytes(b"-----BEGIN CERTIFICATE" + chain)
    return {
        "chain": tmp_path / "chain.pem",
        "root": tmp_path / "authority" / "root.pem",
        "key": tmp_path / "key.pem",
    }


def test_a_certificate_of_an_authority_is_imported_with_its_key(issued, tmp_path):
    facts = keys.import_keys(tmp_path / "ours", now=NOW, **issued)

    loaded = keys.load_keys(tmp_path / "ours", now=NOW)
    assert (loaded.operator, facts.operator) == ("Example", "Example")
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == ["root.pem", "signing.pem"]
    assert stat.S_IMODE((tmp_path / "ours" / "signing.pem").stat().st_mode) == 0o600
    with pytest.raises(ConfigError, match="from an authority"):
        keys.renew_leaf(tmp_path / "ours", operator="Example", now=NOW)
    with pytest.raises(ConfigError, match="never overwritten"):
        keys.import_keys(tmp_path / "ours", now=NOW, **issued)


def test_what_cannot_sign_claims_is_not_imported(issued, folder, tmp_path):
    other = {"key": folder / "signing.pem"}
    for change, problem in (
        (other, "does not belong"),
        ({"root": folder / "root.pem"}, "not one chain"),
        ({"chain": issued["root"]}, "no issuing certificate"),
        ({"now": NOW + timedelta(days=400)}, "expired"),
    ):
        with pytest.raises(ConfigError, match=problem):
            keys.import_keys(tmp_path / "ours", **({"now": NOW} | issued | change))
    assert not (tmp_path / "ours").exists()


def test_a_key_that_is_held_elsewhere_signs_and_the_clip_verifies(folder, labeled_clip, tmp_path):
    fresh = tmp_path / "fresh"
    keys.init_keys(fresh, operator="Example")
    held = keys.load_keys(fresh, signer="engine.provenance.file_signer:open_file")

    signer = ClipSigner(held)
    signer.sign(labeled_clip, to=tmp_path / "signed.mp4")

    assert held.key_pem is None
    assert examine((tmp_path / "signed.mp4").read_bytes(), root_pem=held.root_pem).made_here


def test_without_its_key_a_certificate_needs_a_signer(issued, tmp_path):
    keys.import_keys(tmp_path / "ours", chain=issued["chain"], root=issued["root"], key=None, now=NOW)

    with pytest.raises(ConfigError, match="no private key"):
        keys.load_keys(tmp_path / "ours", now=NOW)
    with pytest.raises(ConfigError, match=r"signer = 'os:none' cannot be found"):
        keys.load_keys(tmp_path / "ours", signer="os:none", now=NOW)


def test_a_signer_with_another_key_or_without_an_answer_is_found_out_at_once(folder, tmp_path, monkeypatch):
    keys.init_keys(tmp_path / "other", operator="Example", now=NOW)
    other = open_file(tmp_path / "other")

    def away(data: bytes) -> bytes:
        raise OSError("the token is not plugged in")

    for sign, problem in (
        (other, "does not belong"),
        (away, "does not sign: OSError"),
        (lambda data: b"", "belong"),
    ):
        monkeypatch.setattr(keys, "open_signer", lambda name, folder, sign=sign: sign)
        with pytest.raises(ConfigError, match=problem):
            keys.load_keys(folder, signer="token", now=NOW)


def test_the_last_thirty_days_are_told(folder):
    facts = keys.describe(folder)

    said = [facts.warning(now=NOW + timedelta(days=days)) for days in (300, 340, 400)]

    assert said == [
        "",
        "the signing certificate ends in 25 days: run `python -m engine keys renew`",
        "the signing certificate ends in 0 days: run `python -m engine keys renew`",
    ]
