import dataclasses
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import av
import c2pa
import numpy as np
import pytest
import structlog

from engine.errors import SigningFailed
from engine.provenance.credentials import STAMP_PAUSE_SECONDS, ClipSigner, manifest
from engine.provenance.keys import init_keys, load_keys
from engine.provenance.source_type import IPTC, SourceType
from engine.provenance.verify import examine
from engine.schema import Layer, VerifyReport


def read_store(path: Path, root_pem: str) -> dict:
    context = c2pa.Context.from_dict({"trust": {"user_anchors": root_pem}})
    with c2pa.Reader(str(path), context=context) as reader:
        return json.loads(reader.json())


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [picture.to_ndarray() for picture in container.decode(video=0)]


def boxes(data: bytes) -> list[str]:
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(data[at + 4 : at + 8].decode())
        at += size
    return found


def test_a_signed_clip_is_known_as_ours(signed, signing_keys):
    report = examine(signed.read_bytes(), root_pem=signing_keys.root_pem)

    assert report == VerifyReport(
        layer=Layer.CREDENTIALS,
        made_here=True,
        intact=True,
        made_at=report.made_at,
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        detail="made_here",
    )
    age = datetime.now(UTC) - datetime.fromisoformat(report.made_at)
    assert abs(age.total_seconds()) < 60


def test_signing_changes_no_frame_and_keeps_the_fast_start(signed, labeled_clip):
    before, after = frames(labeled_clip.path), frames(signed)

    assert len(before) == len(after) == 12
    assert all(np.array_equal(old, new) for old, new in zip(before, after, strict=True))
    assert boxes(signed.read_bytes()) == ["ftyp", "uuid", "moov", "free", "mdat"]


def test_the_manifest_says_what_the_specification_asks(signed, signing_keys):
    store = read_store(signed, signing_keys.root_pem)
    active = store["manifests"][store["active_manifest"]]
    assertions = {(it["label"], it.get("instance", 0)): it for it in active["assertions"]}
    actions = assertions["c2pa.actions.v2", 0]["data"]

    assert active["claim_generator_info"][0]["specVersion"] == "2.4.0"
    assert actions["allActionsIncluded"] is True
    assert [(it["action"], it["digitalSourceType"]) for it in actions["actions"]] == [
        ("c2pa.created", f"{IPTC}compositeWithTrainedAlgorithmicMedia"),
        ("c2pa.addedText", f"{IPTC}algorithmicMedia"),
    ]
    assert [assertions["c2pa.ai-disclosure", number]["data"] for number in (0, 1)] == [
        {
            "modelType": "c2pa.types.model",
            "modelName": name,
            "modelIdentifier": f"{name}@{version}",
            "contentProfile": {"humanOversightLevel": "prompt_guided"},
        }
        for name, version in (("U2-Netp", "1"), ("YuNet", "2023mar"))
    ]
    assert all(it["created"] for it in assertions.values())
    assert [(it["relationship"], it["title"]) for it in active["ingredients"]] == [
        ("inputTo", "source photo")
    ]
    assert "thumbnail" not in json.dumps(store)


def test_an_invisible_mark_is_an_action_too_and_its_number_is_not_told(
    signer, labeled_clip, signing_keys, tmp_path
):
    number = 0xA1B2C3D4E5F6
    marked = dataclasses.replace(labeled_clip, watermark=number)

    embedded = signer.sign(marked, to=tmp_path / "signed.mp4").manifest

    store = read_store(tmp_path / "signed.mp4", signing_keys.root_pem)
    actions = store["manifests"][store["active_manifest"]]["assertions"][0]["data"]["actions"]
    assert [it["action"] for it in actions] == ["c2pa.created", "c2pa.addedText", "c2pa.watermarked.unbound"]
    assert number.to_bytes(6) not in embedded
    assert f"{number:x}".encode() not in embedded


def test_an_ai_generated_clip_says_so(labeled_clip):
    generated = dataclasses.replace(labeled_clip, digital_source_type=SourceType.GENERATED.value)

    created = manifest(generated, now=datetime(2026, 11, 24, tzinfo=UTC))["assertions"][0]["data"]["actions"][
        0
    ]

    assert created["digitalSourceType"] == f"{IPTC}trainedAlgorithmicMedia"
    assert created["when"] == "2026-11-24T00:00:00Z"


def test_the_credentials_name_the_maker_and_nothing_that_leads_to_a_person(signer, labeled_clip, tmp_path):
    embedded = signer.sign(labeled_clip, to=tmp_path / "signed.mp4").manifest

    for secret in (str(labeled_clip.path), labeled_clip.sha256, "push_in", "PRIVATE KEY"):
        assert secret.encode() not in embedded
    assert b"Example Operator" in embedded
    assert embedded in (tmp_path / "signed.mp4").read_bytes()


def test_only_the_file_that_was_labelled_is_signed(signer, labeled_clip, tmp_path):
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(labeled_clip.path.read_bytes() + b"\0\0\0\x08free")

    with pytest.raises(SigningFailed, match="not the one that was labelled"):
        signer.sign(dataclasses.replace(labeled_clip, path=changed), to=tmp_path / "signed.mp4")

    assert [path.name for path in tmp_path.iterdir()] == ["changed.mp4"]


def test_a_signed_clip_is_not_signed_again(signer, labeled_clip, tmp_path):
    signature = signer.sign(labeled_clip, to=tmp_path / "signed.mp4")
    again = dataclasses.replace(labeled_clip, path=tmp_path / "signed.mp4", sha256=signature.sha256)

    with pytest.raises(SigningFailed, match="signed already"):
        signer.sign(again, to=tmp_path / "twice.mp4")

    assert [path.name for path in tmp_path.iterdir()] == ["signed.mp4"]


def test_a_missing_file_or_folder_is_a_fault(signer, labeled_clip, tmp_path):
    with pytest.raises(SigningFailed):
        signer.sign(dataclasses.replace(labeled_clip, path=tmp_path / "none.mp4"), to=tmp_path / "signed.mp4")
    with pytest.raises(SigningFailed):
        signer.sign(labeled_clip, to=tmp_path / "no-such-folder" / "signed.mp4")


def test_an_expired_leaf_signs_nothing_and_says_what_to_do(signing_keys, labeled_clip, tmp_path):
    ended = dataclasses.replace(signing_keys, expires=datetime(2026, 1, 1, tzinfo=UTC))

    with pytest.raises(SigningFailed, match=r"expired on 2026-01-01; run `python -m engine keys renew`"):
        ClipSigner(ended).sign(labeled_clip, to=tmp_path / "signed.mp4")

    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_does_not_verify_is_not_published(labeled_clip, tmp_path, signing_keys):
    """Signed under one authority, read back under another: as if the key had been swapped."""
    init_keys(tmp_path / "other", operator="Somebody else")
    swapped = dataclasses.replace(signing_keys, root_pem=load_keys(tmp_path / "other").root_pem)

    with pytest.raises(SigningFailed, match="does not verify: other_issuer"):
        ClipSigner(swapped).sign(labeled_clip, to=tmp_path / "signed.mp4")

    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_without_its_time_stamp_authority_a_clip_is_signed_all_the_same(signing_keys, labeled_clip, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
    now = 1000.0
    signer = ClipSigner(signing_keys, tsa_url=url, clock=lambda: now)

    with structlog.testing.capture_logs() as events:
        first = signer.sign(labeled_clip, to=tmp_path / "first.mp4")
        signer.sign(labeled_clip, to=tmp_path / "second.mp4")
        now += STAMP_PAUSE_SECONDS
        signer.sign(labeled_clip, to=tmp_path / "third.mp4")

    assert first.stamped is False
    assert [event["event"] for event in events] == ["time stamp failed"] * 2  # the second clip did not ask
    assert examine((tmp_path / "third.mp4").read_bytes(), root_pem=signing_keys.root_pem).made_here
