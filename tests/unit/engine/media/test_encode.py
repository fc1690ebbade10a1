"""Frames become an mp4 that says what it is, is the same every time, and lets no error get lost."""

import numpy as np
import pytest

from engine.errors import RenderCanceled, RenderFailed
from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.decode import read_clip_info, sample_frames
from engine.media.encode import write_mp4

WIDTH, HEIGHT = 96, 160


def color_frames(count):
    """Saturated red, BT.709, with a bright square that wanders."""
    for number in range(count):
        y = np.full((HEIGHT, WIDTH), 63, np.uint8)
        y[20:40, 2 * number : 2 * number + 20] = 200
        u, v = (
            np.full((HEIGHT // 2, WIDTH // 2), 102, np.uint8),
            np.full((HEIGHT // 2, WIDTH // 2), 240, np.uint8),
        )
        yield Frame(y, u, v)


def noisy_frames(count):
    """Two coarse patterns with grain that wander and fade into each other: work for every part of the encoder."""
    random = np.random.default_rng(0)
    coarse = random.integers(40, 200, (2, HEIGHT // 16, WIDTH // 16)).repeat(16, 1).repeat(16, 2)
    old, new = coarse + random.normal(0, 4, (2, HEIGHT, WIDTH))
    gray = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    for number in range(count):
        y = old + (new - old) * (number / count)
        yield Frame(np.roll(y, number, axis=1).clip(0, 255).astype(np.uint8), gray, gray)


def rendered(frames, *, count=12, sound=None):
    return RenderedClip(
        frames=frames,
        frame_count=count,
        width=WIDTH,
        height=HEIGHT,
        frames_per_second=24,
        renderer="scene",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(TrainedModel(name="U2-Netp", version="1", licence="Apache-2.0"),),
        made=Made(moved=("push_in",)),
        sound=sound,
    )


def test_the_file_is_h264_for_messengers_with_its_index_first(tmp_path):
    path = tmp_path / "clip.mp4"
    write_mp4(rendered(color_frames(12)), path)

    info = read_clip_info(path)

    assert (info.width, info.height, info.frame_count, info.frames_per_second) == (96, 160, 12, 24.0)
    assert (info.codec, info.pixel_format, info.duration_seconds, info.has_sound) == (
        "h264",
        "yuv420p",
        0.5,
        False,
    )
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_colours_are_bt709_and_come_back(tmp_path):
    path = tmp_path / "clip.mp4"
    write_mp4(rendered(color_frames(12)), path)

    red, green, blue = sample_frames(path, 1)[0][120, 48]

    assert b"colr" + b"nclx" + bytes([0, 1, 0, 1, 0, 1]) in path.read_bytes()
    assert red > 245
    assert max(green, blue) < 12


def test_the_same_frames_give_the_same_bytes(tmp_path):
    """Again and again, and with other things in memory: x264 once took what it found there."""
    random, litter, files = np.random.default_rng(0), [], set()
    for _ in range(40):
        write_mp4(rendered(noisy_frames(12)), tmp_path / "clip.mp4")
        files.add((tmp_path / "clip.mp4").read_bytes())
        litter.append(random.bytes(int(random.integers(1_000, 400_000))))
        del litter[: len(litter) - int(random.integers(1, 20))]

    assert len(files) == 1


def test_each_frame_is_stamped_before_it_is_encoded(tmp_path):
    path, heard = tmp_path / "clip.mp4", []

    def whiten(frame):
        frame.y[:] = 235
        frame.u[:] = frame.v[:] = 128

    write_mp4(rendered(color_frames(12)), path, stamp=whiten, on_frame=heard.append)

    assert min(frame.min() for frame in sample_frames(path, 12)) > 250
    assert heard == list(range(1, 13))


def test_sound_is_as_long_as_the_picture(tmp_path):
    path = tmp_path / "clip.mp4"
    seconds = np.arange(24_000, dtype=np.float32) / 48_000
    tone = 0.1 * np.sin(2 * np.pi * 440 * seconds)
    write_mp4(rendered(color_frames(12), sound=np.stack([tone, tone], axis=1)), path)

    info = read_clip_info(path)

    assert info.has_sound
    assert abs(info.sound_seconds - info.duration_seconds) < 0.05


@pytest.mark.parametrize("error", [ValueError("broken"), RenderCanceled()])
def test_an_error_of_the_renderer_comes_out_and_leaves_no_file(tmp_path, error):
    def breaking():
        yield from color_frames(5)
        raise error

    with pytest.raises(type(error)):
        write_mp4(rendered(breaking()), tmp_path / "clip.mp4")

    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_encoder_stops_the_renderer(tmp_path):
    made = []

    def endless():
        for frame in color_frames(1):
            while True:
                made.append(1)
                yield Frame(frame.y[:-2], frame.u[:-1], frame.v[:-1])

    with pytest.raises(RenderFailed, match="a frame of"):
        write_mp4(rendered(endless()), tmp_path / "clip.mp4")

    assert len(made) < 10


@pytest.mark.parametrize("count", [0, 11, 13])
def test_another_number_of_frames_than_promised_is_a_fault(tmp_path, count):
    with pytest.raises(RenderFailed, match="promised 12"):
        write_mp4(rendered(color_frames(count)), tmp_path / "clip.mp4")

    assert list(tmp_path.iterdir()) == []
