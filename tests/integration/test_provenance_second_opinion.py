"""An implementation of C2PA that shares no code with the signer says what it thinks of our clips; offline."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import encypher_c2pa
import pytest

from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import init_keys, load_keys
from engine.provenance.origin import take_origin
from engine.provenance.source_type import SourceType
from tests.hostile import camera_photo


@pytest.fixture(scope="module")
def keys(keys_folder):
    return load_keys(keys_folder)


def opinion(data: bytes, root_pem: str) -> Mapping[str, Any]:
    return encypher_c2pa.verify(
        data, "video/mp4", trust_pem=root_pem, no_default_trust=True, telemetry=False, online=False
    )


def signed_bytes(keys, clip, folder: Path) -> bytes:
    ClipSigner(keys).sign(clip, to=folder / "signed.mp4")
    return (folder / "signed.mp4").read_bytes()


def verdict(report: Mapping[str, Any]) -> tuple[str, ...]:
    return (report["integrity"], report["signature"], report["hard_binding"], report["trust"]["status"])


@pytest.mark.parametrize("source_type", SourceType)
def test_it_accepts_every_kind_of_clip(source_type, keys, labeled_clip, tmp_path):
    clip = dataclasses.replace(labeled_clip, digital_source_type=source_type, watermark=1)

    report = opinion(signed_bytes(keys, clip, tmp_path), keys.root_pem)

    assert verdict(report) == ("valid", "valid", "match", "valid_for_supplied_material")
    assert report["validation_state"] == "Trusted"
    assert report["validation_results"]["failure"] == []


def test_it_accepts_a_clip_of_a_photo_with_credentials_of_its_own(keys, labeled_clip, tmp_path):
    init_keys(tmp_path / "camera", operator="Example Camera")
    photo = camera_photo(load_keys(tmp_path / "camera"))

    ClipSigner(keys).sign(
        labeled_clip, to=tmp_path / "signed.mp4", origin=take_origin(photo, root_pem=keys.root_pem)
    )

    report = opinion((tmp_path / "signed.mp4").read_bytes(), keys.root_pem)
    assert verdict(report) == ("valid", "valid", "match", "valid_for_supplied_material")
    assert report["validation_results"]["failure"] == []


@pytest.mark.parametrize(
    "place", [b"mdat", b"moov", b"prompt_guided", b"compositeWithTrained", b"Example Operator"]
)
def test_it_rejects_a_clip_after_one_flipped_bit(place, keys, labeled_clip, tmp_path):
    data = bytearray(signed_bytes(keys, labeled_clip, tmp_path))
    data[data.index(place) + len(place) // 2 + (40 if place in {b"mdat", b"moov"} else 0)] ^= 1

    report = opinion(bytes(data), keys.root_pem)

    assert report["validation_state"] == "Invalid"
    assert report["validation_results"]["failure"]


def test_the_two_agree_on_what_the_standard_does_not_bind(keys, labeled_clip, tmp_path):
    data = bytearray(signed_bytes(keys, labeled_clip, tmp_path))
    data[data.index(b"ftyp") + 7] ^= 1
    data += b"\0\0\0\x10freenothing."

    assert opinion(bytes(data), keys.root_pem)["validation_state"] == "Trusted"


def test_it_does_not_know_our_issuer_without_our_root(keys, labeled_clip, tmp_path):
    data = signed_bytes(keys, labeled_clip, tmp_path)

    report = encypher_c2pa.verify(data, "video/mp4", telemetry=False, online=False)

    assert (report["integrity"], report["signature"], report["hard_binding"]) == ("valid", "valid", "match")
    assert report["validation_state"] != "Trusted"
