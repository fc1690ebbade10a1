import numpy as np

from engine.media.samples import choose_frames


def still(frames: int = 96) -> np.ndarray:
    return np.full((frames, 16, 16), 0.3, np.float32)


def test_a_still_clip_is_sampled_evenly_with_its_ends() -> None:
    assert choose_frames(still(), evenly=8, changes=2) == [0, 14, 27, 41, 54, 68, 81, 95]
    assert choose_frames(still(3), evenly=8, changes=2) == [0, 1, 2]
    assert choose_frames(still(1), evenly=8, changes=2) == [0]


def test_what_flashes_up_between_two_samples_is_seen_twice() -> None:
    clip = still()
    clip[32:36, 4:8, 4:8] = 0.6

    assert {32, 33} <= set(choose_frames(clip, evenly=8, changes=2))


def test_light_that_changes_everywhere_does_not_hide_a_small_change() -> None:
    clip = still()
    clip[::10] += 0.4
    clip[32:36, 4:8, 4:8] += 0.1

    assert {32, 33} <= set(choose_frames(clip, evenly=8, changes=2))


def test_changes_are_apart_and_end_with_the_clip() -> None:
    clip = still()
    clip[50:52, :4, :4] = 0.9
    clip[95, :4, :4] = 0.6

    chosen = choose_frames(clip, evenly=2, changes=2)

    assert chosen == [0, 50, 51, 95]


def test_rain_has_no_greatest_change() -> None:
    clip = still() + np.random.default_rng(5).normal(0, 0.02, (96, 16, 16)).astype(np.float32)

    assert len(choose_frames(clip, evenly=8, changes=3)) == 8
