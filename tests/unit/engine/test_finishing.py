import asyncio
import hashlib
import stat

import pytest

from engine.errors import ConfigError, SigningFailed
from engine.finishing import Finishing
from engine.media.clip import SignedClip
from engine.provenance.keys import init_keys, load_keys, read_root
from engine.provenance.verify import examine
from tests.hostile import camera_photo

OPERATOR = "Example Operator"


@pytest.fixture
async def finishing(keys_folder):
    async with Finishing(keys=keys_folder, operator=OPERATOR) as made:
        yield made


async def test_a_checked_clip_becomes_a_signed_one_that_verifies(
    finishing, keys_folder, checked_clip, tmp_path
):
    signed = await finishing.sign(checked_clip, job_id="job", to=tmp_path / "clip.mp4")

    content = (tmp_path / "clip.mp4").read_bytes()
    assert signed == SignedClip(
        checked=checked_clip,
        path=tmp_path / "clip.mp4",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        manifest=signed.manifest,
        fingerprint=signed.fingerprint,
    )
    assert signed.manifest in content
    assert len(signed.fingerprint) == 32
    assert stat.S_IMODE((tmp_path / "clip.mp4").stat().st_mode) == 0o600
    assert examine(content, root_pem=read_root(keys_folder)).made_here


async def test_clips_signed_at_once_all_verify(finishing, checked_clip, tmp_path):
    signed = await asyncio.gather(
        *(finishing.sign(checked_clip, job_id=str(n), to=tmp_path / f"{n}.mp4") for n in range(4))
    )

    assert len({clip.sha256 for clip in signed}) == 4  # each has its own manifest id
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.mp4", "1.mp4", "2.mp4", "3.mp4"]


async def test_a_failure_reaches_the_caller_and_leaves_nothing(finishing, checked_clip, tmp_path):
    with pytest.raises(SigningFailed):
        await finishing.sign(checked_clip, job_id="job", to=tmp_path / "nowhere" / "clip.mp4")

    assert list(tmp_path.iterdir()) == []


async def test_a_photos_credentials_are_taken_by_a_child(finishing, tmp_path):
    init_keys(tmp_path / "camera", operator="Example Camera")
    photo = camera_photo(load_keys(tmp_path / "camera"))

    origin = await finishing.take_origin(photo)

    assert origin is not None
    assert len(origin.redacted) == 3
    assert await finishing.take_origin(b"\xff\xd8\xff jumb c2pa and nothing else") is None
    assert await finishing.take_origin(b"a photo like all others") is None


async def test_a_photo_that_outlasts_its_child_has_no_origin(keys_folder):
    async with Finishing(keys=keys_folder, operator=OPERATOR, reading_seconds=0.0) as finishing:
        assert await finishing.take_origin(b"jumb c2pa") is None


async def test_the_days_until_signing_stops_are_known(finishing):
    assert 364 < finishing.leaf_days_left < 366.1


def test_another_operators_keys_are_refused(tmp_path):
    init_keys(tmp_path / "keys", operator="Somebody else")

    with pytest.raises(ConfigError, match="keys renew"):
        Finishing(keys=tmp_path / "keys", operator=OPERATOR)


def test_without_keys_there_is_no_finishing(tmp_path):
    with pytest.raises(ConfigError, match="keys init"):
        Finishing(keys=tmp_path / "keys", operator=OPERATOR)
