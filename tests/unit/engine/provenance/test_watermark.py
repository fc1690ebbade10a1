from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.provenance import bch
from engine.provenance.mark import Mark, bring_watermark_key, mark_number
from engine.provenance.reading import picture_of, read_luma, read_pictures, read_watermark
from engine.provenance.source_type import SourceType
from engine.provenance.watermark import Stamp, can_carry
from tests.conftest import encode, moving_frames

KEY = bytes(range(32))
NUMBER = 0xA1B2C3D4E5F6
WIDTH, HEIGHT, FRAMES = 360, 640, 6


def drift(count=FRAMES, width=WIDTH, height=HEIGHT):
    """Smooth noise that pans."""
    coarse = np.random.default_rng(0).normal(120, 45, (height // 16 + 1, width // 16 + 4))
    wide = np.clip(cv2.resize(coarse, None, fx=16, fy=16, interpolation=cv2.INTER_CUBIC), 16, 235)
    for number in range(count):
        luma = np.ascontiguousarray(wide[:height, 2 * number : 2 * number + width].astype(np.uint8))
        chroma = np.full((height // 2, width // 2), 128, np.uint8)
        yield Frame(luma, chroma, chroma.copy())


def marked(key=KEY, number=NUMBER):
    stamp = Stamp(Mark(number=number, key=key), width=WIDTH, height=HEIGHT)
    for frame in drift():
        stamp.stamp(frame)
        yield frame


def write(frames, path: Path) -> Path:
    clip = RenderedClip(
        frames=frames,
        frame_count=FRAMES,
        width=WIDTH,
        height=HEIGHT,
        frames_per_second=24,
        renderer="test",
        digital_source_type=SourceType.MODIFIED,
        models=(TrainedModel("matte", "1", "MIT"),),
        made=Made(),
    )
    write_mp4(clip, path)
    return path


def pictures(change=lambda luma: luma):
    return [picture_of(np.ascontiguousarray(change(frame.y))) for frame in marked()]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write(marked(), tmp_path_factory.mktemp("marked") / "clip.mp4")


@pytest.mark.parametrize("wrong", [0, 1, 10])
def test_ten_wrong_bits_are_repaired(wrong):
    word = bch.encode(0x123456789ABCDEF0)
    places = np.random.default_rng(wrong).choice(bch.LENGTH, wrong, replace=False)
    word[places] ^= 1

    assert bch.decode(word) == 0x123456789ABCDEF0


def test_eleven_wrong_bits_are_not():
    word = bch.encode(0x123456789ABCDEF0)
    word[::12] ^= 1

    assert bch.decode(word) != 0x123456789ABCDEF0


def test_the_number_is_read_from_the_encoded_clip(clip):
    reading = read_watermark(clip, KEY)

    assert reading.number == NUMBER
    assert reading.agreement > 0.92


def test_another_key_reads_nothing(clip):
    pictures = list(read_luma(clip))

    assert read_pictures(pictures, b"another key", everywhere=False) is None


def test_a_clip_without_a_mark_reads_as_nothing(tmp_path):
    assert read_watermark(write(drift(), tmp_path / "plain.mp4"), KEY) is None


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\0\x18ftypisom" + b"\xff" * 1000, b"#EXTM3U\n#EXTINF:1,\n/etc/hostname\n"]
)
def test_a_file_that_is_no_video_is_a_value_error(tmp_path, content):
    (tmp_path / "strange.mp4").write_bytes(content)

    with pytest.raises(ValueError, match="not a readable video"):
        read_watermark(tmp_path / "strange.mp4", KEY)


@pytest.mark.parametrize(
    "change",
    [
        lambda luma: luma[:, ::-1],
        lambda luma: cv2.resize(luma, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        lambda luma: np.clip(luma * 1.15, 0, 255).astype(np.uint8),
    ],
    ids=["mirrored", "half size", "more contrast"],
)
def test_a_changed_picture_keeps_its_number(change):
    assert read_pictures(pictures(change), KEY).number == NUMBER


def test_a_clip_that_was_cut_keeps_its_number():
    stamp = Stamp(Mark(number=NUMBER, key=KEY), width=720, height=720)
    (frame,) = drift(count=1, width=720, height=720)
    stamp.stamp(frame)

    assert read_pictures([picture_of(frame.y[30:680, 41:690])], KEY).number == NUMBER


@pytest.mark.parametrize(("width", "height"), [(16, 16), (80, 80), (64, 2000), (2000, 80)])
def test_strange_sizes_read_as_nothing(tmp_path, width, height):
    path = tmp_path / "strange.mp4"
    encode(moving_frames(width=width, height=height, count=2), path, width=width, height=height)

    assert read_watermark(path, KEY) is None


def test_one_frame_is_enough():
    assert read_pictures(pictures()[:1], KEY).number == NUMBER


def test_the_mark_is_too_faint_to_see():
    before = np.stack([frame.y for frame in drift()]).astype(np.float32)
    after = np.stack([frame.y for frame in marked()]).astype(np.float32)

    error = ((before - after) ** 2).mean(axis=(1, 2))
    assert (10 * np.log10(255**2 / error)).min() > 46
    assert np.abs(before - after).max() <= 6


def test_a_still_picture_does_not_flicker():
    stamp = Stamp(Mark(number=NUMBER, key=KEY), width=WIDTH, height=HEIGHT)
    (still,) = islice(drift(), 1)
    seen = []
    for grain in range(4):
        frame = Frame(np.clip(still.y.astype(int) + grain % 2, 0, 255).astype(np.uint8), still.u, still.v)
        before = frame.y.copy()
        stamp.stamp(frame)
        seen.append(frame.y.astype(int) - before)

    assert all(np.abs(other - seen[0]).max() <= 1 for other in seen)


@pytest.mark.parametrize(("size", "carries"), [((96, 160), False), ((288, 512), True), ((1280, 720), True)])
def test_small_clips_carry_no_mark(size, carries):
    assert can_carry(*size) is carries


def test_every_attempt_of_a_job_has_one_number_that_only_the_key_tells():
    first = mark_number(KEY, "a-job")

    assert first == mark_number(KEY, "a-job") < 2**48
    assert len({first, mark_number(KEY, "another"), mark_number(b"other", "a-job")}) == 3


def test_the_key_is_made_once_and_shown_to_nobody(tmp_path):
    key = bring_watermark_key(tmp_path)

    assert bring_watermark_key(tmp_path) == key
    assert (tmp_path / "watermark.key").stat().st_mode & 0o777 == 0o600
    assert "key" not in repr(Mark(number=1, key=key))
