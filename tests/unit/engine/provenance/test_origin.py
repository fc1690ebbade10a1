"""What of a photo's own credentials goes on into its clip, and what never does."""

import json

import c2pa
import pytest
import structlog

from engine.provenance.credentials import ClipSigner
from engine.provenance.keys import init_keys, load_keys
from engine.provenance.origin import MAX_ARCHIVE_BYTES, Origin, may_have_credentials, take_origin
from engine.provenance.verify import examine
from tests.hostile import SECRETS, Listener, camera_photo, jpeg_with_xmp, picture


@pytest.fixture(scope="module")
def camera(tmp_path_factory):
    folder = tmp_path_factory.mktemp("camera") / "keys"
    init_keys(folder, operator="Example Camera")
    return load_keys(folder)


def store_of(path, root_pem):
    with c2pa.Context.from_dict({"trust": {"user_anchors": root_pem}}) as context:
        with c2pa.Reader(str(path), context=context) as reader:
            return json.loads(reader.json())


def redactions_of(path):
    with c2pa.Reader(str(path)) as reader:
        store = json.loads(reader.detailed_json())
    return store["manifests"][store["active_manifest"]]["claim"]["redacted_assertions"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_chain_from_the_camera_stays_and_its_private_parts_go(
    kind, camera, signing_keys, signer, labeled_clip, tmp_path
):
    photo = camera_photo(camera, kind=kind)
    origin = take_origin(photo, root_pem=signing_keys.root_pem)

    signer.sign(labeled_clip, to=tmp_path / "signed.mp4", origin=origin)

    clip = (tmp_path / "signed.mp4").read_bytes()
    store = store_of(tmp_path / "signed.mp4", signing_keys.root_pem)
    active = store["manifests"][store["active_manifest"]]
    (ingredient,) = active["ingredients"]
    older = store["manifests"][ingredient["active_manifest"]]
    assert examine(clip, root_pem=signing_keys.root_pem).made_here
    assert (ingredient["title"], ingredient["relationship"]) == ("source photo", "inputTo")
    assert older["claim_generator_info"][0]["name"] == "Camera"
    assert [it["label"] for it in older["assertions"]] == ["c2pa.actions.v2"]
    assert not {"thumbnail"} & {*active, *ingredient, *older}
    for secret in (*SECRETS, "JFIF", "Exif"):
        assert secret.encode() not in clip
    assert len(clip) - labeled_clip.path.stat().st_size < 16_384


def test_what_was_redacted_is_said(camera, signing_keys, signer, labeled_clip, tmp_path):
    origin = take_origin(camera_photo(camera), root_pem=signing_keys.root_pem)

    signer.sign(labeled_clip, to=tmp_path / "signed.mp4", origin=origin)

    store = store_of(tmp_path / "signed.mp4", signing_keys.root_pem)
    actions = store["manifests"][store["active_manifest"]]["assertions"][0]["data"]
    assert actions["allActionsIncluded"] is False
    assert sorted(address.rsplit("/", 1)[1] for address in origin.redacted) == [
        "c2pa.thumbnail.claim",
        "cawg.metadata",
        "stds.exif",
    ]
    assert set(origin.redacted) == set(redactions_of(tmp_path / "signed.mp4"))


def test_credentials_that_do_not_belong_to_the_photo_are_not_handed_down(camera, signing_keys):
    photo = bytearray(camera_photo(camera))
    photo[-30] ^= 1

    assert take_origin(bytes(photo), root_pem=signing_keys.root_pem) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"jumb c2pa",
        b"\xff\xd8\xff jumb c2pa",
        picture("JPEG"),
        picture("PNG"),
        jpeg_with_xmp("http://x/"),
    ],
)
def test_a_photo_without_credentials_has_no_origin(data, signing_keys):
    assert take_origin(data, root_pem=signing_keys.root_pem) is None


def test_only_a_file_that_may_have_credentials_is_worth_a_child(camera):
    assert may_have_credentials(camera_photo(camera))
    assert not may_have_credentials(picture("JPEG"))


def test_reading_and_signing_call_nobody(camera, signing_keys, signer, labeled_clip, tmp_path):
    listener = Listener()
    photo = camera_photo(camera, address=listener.address)

    signer.sign(
        labeled_clip, to=tmp_path / "signed.mp4", origin=take_origin(photo, root_pem=signing_keys.root_pem)
    )

    assert listener.knocks == 0
    assert listener.address.encode() not in (tmp_path / "signed.mp4").read_bytes()
    listener.close()


@pytest.mark.parametrize(
    "origin",
    [
        Origin(archive=b"no archive", redacted=()),
        Origin(archive=b"", redacted=("self#jumbf=/c2pa/urn:c2pa:none/c2pa.assertions/stds.exif",)),
    ],
)
def test_an_origin_that_cannot_be_built_in_does_not_cost_the_clip(
    origin, signing_keys, labeled_clip, tmp_path
):
    signer = ClipSigner(signing_keys)

    with structlog.testing.capture_logs() as events:
        signer.sign(labeled_clip, to=tmp_path / "signed.mp4", origin=origin)

    assert [event["event"] for event in events] == ["photo's credentials not kept"]
    assert examine((tmp_path / "signed.mp4").read_bytes(), root_pem=signing_keys.root_pem).made_here


def test_a_very_large_history_is_left_behind(camera, signing_keys, monkeypatch):
    monkeypatch.setattr("engine.provenance.origin.MAX_ARCHIVE_BYTES", 1000)

    assert MAX_ARCHIVE_BYTES > 10**6
    assert take_origin(camera_photo(camera), root_pem=signing_keys.root_pem) is None
