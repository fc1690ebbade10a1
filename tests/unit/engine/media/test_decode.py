"""Our own clips are read back: frames evenly from first to last, and a clear error for anything else."""

import pytest

from engine.media.decode import read_clip_info, sample_frames


def test_samples_are_even_and_hold_the_first_and_the_last(labeled_clip):
    every = sample_frames(labeled_clip.path, 12)

    three = sample_frames(labeled_clip.path, 3)

    assert len(every) == 12
    assert [frame.shape for frame in three] == [(160, 96, 3)] * 3
    assert (three[0] == every[0]).all()
    assert (three[-1] == every[-1]).all()


def test_no_more_frames_than_there_are(labeled_clip):
    assert len(sample_frames(labeled_clip.path, 100)) == 12


def test_what_is_not_a_clip_is_named(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0" * 100)

    with pytest.raises(ValueError, match="not a readable clip"):
        sample_frames(path, 3)
    with pytest.raises(ValueError, match="not a readable clip"):
        read_clip_info(path)


@pytest.mark.parametrize("share", [0.1, 0.6])
def test_half_a_clip_is_named(tmp_path, labeled_clip, share):
    path, whole = tmp_path / "clip.mp4", labeled_clip.path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(ValueError, match="not a readable clip"):
        sample_frames(path, 3)
