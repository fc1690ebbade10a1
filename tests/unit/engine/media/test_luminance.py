import numpy as np
import pytest

from engine.media.clip import Frame, Made, RenderedClip, TrainedModel
from engine.media.encode import write_mp4
from engine.media.luminance import read_luminance

WIDTH, HEIGHT = 96, 160


def clip_of(levels: list[tuple[int, int]]) -> RenderedClip:
    """Frames whose upper and lower half have these values of Y."""

    def frame(upper: int, lower: int) -> Frame:
        y = np.full((HEIGHT, WIDTH), upper, np.uint8)
        y[HEIGHT // 2 :] = lower
        u, v = (np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8) for _ in range(2))
        return Frame(y=y, u=u, v=v)

    return RenderedClip(
        frames=(frame(*pair) for pair in levels),
        frame_count=len(levels),
        width=WIDTH,
        height=HEIGHT,
        frames_per_second=24,
        renderer="gray",
        digital_source_type="compositeWithTrainedAlgorithmicMedia",
        models=(TrainedModel("matte", "1", "MIT"),),
        made=Made(),
    )


def test_every_frame_is_measured_where_it_is_bright(tmp_path):
    write_mp4(clip_of([(235, 16), (16, 235), (126, 126)] * 4), tmp_path / "clip.mp4")

    luminance = read_luminance(tmp_path / "clip.mp4")

    half = ((126 - 16) / 219) ** 2.2
    assert luminance.shape == (12, 16, 16)
    assert luminance[0, 3].mean() == pytest.approx(1.0, abs=0.03)
    assert luminance[0, 12].mean() == pytest.approx(0.0, abs=0.03)
    assert luminance[1, 12].mean() == pytest.approx(1.0, abs=0.03)
    assert luminance[2].mean() == pytest.approx(half, abs=0.03)


def test_what_is_no_clip_is_named(tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"\0" * 100)

    with pytest.raises(ValueError, match="not a readable clip"):
        read_luminance(tmp_path / "clip.mp4")
