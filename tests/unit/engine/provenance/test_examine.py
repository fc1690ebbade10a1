"""What is read in files that were changed, cut, forged or are no clips at all; and that reading calls nobody."""

import dataclasses
import hashlib
import io
import time
from datetime import UTC, datetime, timedelta

import av
import c2pa
import pytest
from cryptography.hazmat.primitives import serialization as pem

from bench.parts.tampering import CHANGED, UNBOUND, flip, without_the_manifest, xmp_box
from engine.provenance.certificates import CLOCK_SKEW, LEAF_DAYS, make_issuing, make_leaf, make_root
from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import SigningKeys, init_keys, load_keys
from engine.provenance.verify import examine
from engine.schema import Finding, Layer, VerifyReport
from tests.hostile import Listener, jpeg_with_xmp, picture


@pytest.mark.parametrize("change", CHANGED)
def test_a_changed_clip_reads_as_changed_and_no_longer_as_ours(change, signed, signing_keys):
    changed = CHANGED[change](signed.read_bytes())

    report = examine(changed, root_pem=signing_keys.root_pem)

    assert changed != signed.read_bytes()
    assert report == VerifyReport(layer=Layer.CREDENTIALS, made_here=False, intact=False, detail="changed")


@pytest.mark.parametrize("change", UNBOUND)
def test_what_the_standard_does_not_bind_may_change(change, signed, signing_keys):
    changed = UNBOUND[change](signed.read_bytes())

    assert changed != signed.read_bytes()
    assert examine(changed, root_pem=signing_keys.root_pem).made_here


def test_without_its_manifest_a_clip_has_no_credentials_and_with_junk_behind_it_cannot_be_read(
    signed, signing_keys
):
    stripped = without_the_manifest(signed.read_bytes())
    littered = signed.read_bytes() + b"junk at the end"

    found = [examine(data, root_pem=signing_keys.root_pem).detail for data in (stripped, littered)]

    assert found == [Finding.NO_CREDENTIALS, Finding.UNREADABLE]


def test_our_manifest_on_somebody_elses_video_reads_as_changed(signed, signing_keys, labeled_clip):
    data = signed.read_bytes()
    start = data.index(b"uuid") - 4
    manifest_box = data[start : start + int.from_bytes(data[start : start + 4], "big")]
    foreign = labeled_clip.path.read_bytes()
    head = int.from_bytes(foreign[:4], "big")
    forged = foreign[:head] + manifest_box + flip(foreign, len(foreign) - 20)[head:]

    report = examine(forged, root_pem=signing_keys.root_pem)

    assert (report.made_here, report.intact, report.detail) == (False, False, Finding.CHANGED)


def test_a_remuxed_clip_has_no_credentials(signed, signing_keys, tmp_path):
    with av.open(str(signed)) as source, av.open(str(tmp_path / "again.mp4"), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)

    report = examine((tmp_path / "again.mp4").read_bytes(), root_pem=signing_keys.root_pem)

    assert report == VerifyReport(layer=Layer.NONE, made_here=False, intact=False, detail="no_credentials")


def test_another_operators_clip_is_whole_but_not_ours(signed, tmp_path):
    init_keys(tmp_path / "other", operator="Somebody else")

    report = examine(signed.read_bytes(), root_pem=load_keys(tmp_path / "other").root_pem)

    assert (report.made_here, report.intact, report.detail) == (False, True, Finding.OTHER_ISSUER)


def test_a_clip_without_a_time_stamp_reads_as_expired_once_its_leaf_is(labeled_clip, tmp_path):
    ends_soon = datetime.now(UTC) - timedelta(days=LEAF_DAYS) + CLOCK_SKEW + timedelta(seconds=2)
    root = make_root("Example", now=ends_soon)
    issuing = make_issuing("Example", root=root, now=ends_soon)
    leaf = make_leaf("Example", issuing=issuing, now=ends_soon)
    short_lived = SigningKeys(
        operator="Example",
        chain_pem=pem_of(leaf.certificate) + pem_of(issuing.certificate),
        root_pem=pem_of(root.certificate),
        expires=leaf.certificate.not_valid_after_utc,
        key_pem=leaf.key.private_bytes(
            pem.Encoding.PEM, pem.PrivateFormat.PKCS8, pem.NoEncryption()
        ).decode(),
    )
    ClipSigner(short_lived).sign(labeled_clip, to=tmp_path / "signed.mp4")

    time.sleep(max(0, short_lived.days_left() * 86_400) + 1.1)

    report = examine((tmp_path / "signed.mp4").read_bytes(), root_pem=short_lived.root_pem)
    assert (report.made_here, report.intact, report.detail) == (False, True, Finding.EXPIRED)


def pem_of(certificate):
    return certificate.public_bytes(pem.Encoding.PEM).decode()


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"", "no_credentials"),
        (b"hello", "no_credentials"),
        (b"%PDF-1.7 of no interest", "no_credentials"),
        (b"\0\0\0\x18ftypisom" + bytes(200), "no_credentials"),
        (b"\0\0\0\x18ftypisom" + b"\xff" * 200, "unreadable"),
        (b"\xff\xd8\xff" + bytes(100), "unreadable"),
        (picture("JPEG"), "no_credentials"),
        (picture("PNG"), "no_credentials"),
        (picture("WEBP"), "no_credentials"),
    ],
)
def test_strange_files_get_an_answer(data, detail, signing_keys):
    report = examine(data, root_pem=signing_keys.root_pem)

    assert (report.layer, report.made_here, report.intact) == (Layer.NONE, False, False)
    assert report.detail == detail


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_cut_off_clip_is_never_ours(share, signed, signing_keys):
    data = signed.read_bytes()

    report = examine(data[: int(len(data) * share)], root_pem=signing_keys.root_pem)

    assert not report.made_here
    assert not report.intact


# Nothing opens a connection


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


def test_a_file_that_names_an_address_makes_nobody_call_it(listener, signing_keys, labeled_clip, signed):
    crafted = [
        jpeg_with_xmp(listener.address),
        labeled_clip.path.read_bytes() + xmp_box(listener.address),
        signed.read_bytes() + xmp_box(listener.address),
    ]

    reports = [examine(data, root_pem=signing_keys.root_pem) for data in crafted]

    assert listener.knocks == 0
    assert not any(report.made_here for report in reports)


def test_the_crafted_photo_does_bite_a_reader_with_default_settings(listener):
    """Without this, the test above could pass because the photo is harmless."""
    with pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/jpeg", io.BytesIO(jpeg_with_xmp(listener.address)))

    assert listener.knocks > 0


def test_signing_a_clip_with_an_address_in_it_calls_nobody(listener, signer, labeled_clip, tmp_path):
    data = labeled_clip.path.read_bytes() + xmp_box(listener.address)
    (tmp_path / "crafted.mp4").write_bytes(data)
    crafted = dataclasses.replace(
        labeled_clip, path=tmp_path / "crafted.mp4", sha256=hashlib.sha256(data).hexdigest()
    )

    signer.sign(crafted, to=tmp_path / "signed.mp4")

    assert listener.knocks == 0
