"""A photo that knows too much and wants to be called back, through the whole bot."""

import io
import json
from pathlib import Path

import c2pa
import pytest
from PIL import Image
from town import Town, Workshop, a_photo, eventually

from engine.provenance.keys import init_keys, load_keys
from tests.hostile import SECRETS, Listener, camera_photo, jpeg_with_xmp

PLACE = "SECRET-GPS-AREA"
GPS_IFD, AREA_TAG = 0x8825, 0x001C


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.close()


def photo_with_a_place() -> bytes:
    exif = Image.Exif()
    exif.get_ifd(GPS_IFD)[AREA_TAG] = PLACE.encode()
    exif[0x010F] = "SECRET-NAME"
    out = io.BytesIO()
    Image.open(io.BytesIO(a_photo())).save(out, "JPEG", exif=exif, comment=b"SECRET-ADDRESS")
    return out.getvalue()


async def clip_of(town: Town, photo: bytes) -> bytes:
    sent = await town.play.send_document(
        "ann", photo, filename="SECRET-NAME.jpg", mime="image/jpeg", caption="snow"
    )
    return await town.play.media(await town.gets_clip(after=sent.id))


async def test_nothing_of_a_photos_metadata_is_in_the_clip(town: Town) -> None:
    photo = photo_with_a_place()
    assert PLACE.encode() in photo

    clip = await clip_of(town, photo)

    assert not [secret for secret in (*SECRETS, PLACE, "Exif") if secret.encode() in clip]


async def test_an_address_in_a_photo_is_called_by_nobody(town: Town, listener: Listener) -> None:
    clip = await clip_of(town, jpeg_with_xmp(listener.address, size=(160, 240)))

    assert listener.knocks == 0
    assert listener.address.encode() not in clip


async def test_a_photos_own_credentials_stay_without_their_private_parts(
    town: Town, workshop: Workshop, listener: Listener, tmp_path: Path
) -> None:
    init_keys(tmp_path / "camera", operator="Example Camera")
    photo = camera_photo(load_keys(tmp_path / "camera"), address=listener.address)

    clip = await clip_of(town, photo)

    with c2pa.Reader("video/mp4", io.BytesIO(clip)) as reader:
        store = json.loads(reader.json())
    generators = [it["claim_generator_info"][0]["name"] for it in store["manifests"].values()]
    assert sorted(generators) == ["Camera", "Zoetrope"]
    assert (await town.engine.verify(clip)).made_here
    assert listener.knocks == 0
    assert not [secret for secret in (*SECRETS, listener.address, "JFIF") if secret.encode() in clip]

    async def nothing_is_left() -> bool:
        return not list((workshop.socket.parent / "photos").iterdir())

    await eventually(nothing_is_left)
