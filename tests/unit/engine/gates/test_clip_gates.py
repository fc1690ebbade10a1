import numpy as np
import pytest

from engine.gates.exposure import remake_exposure
from engine.gates.flashing import most_flashes_in_a_second, remake_flashing
from engine.gates.nudity import refuse_nudity
from engine.verdicts import Allowed, Refusal, Remake


@pytest.mark.parametrize(
    ("scores", "photo", "stopped"),
    [
        ([0.1, 0.6, 0.7, 0.1], 0.1, True),
        ([0.1, 0.9, 0.1, 0.1], 0.1, False),
        ([0.6, 0.6, 0.6, 0.6], 0.5, False),
        ([0.45, 0.45, 0.45, 0.45], 0.0, False),
    ],
    ids=["new skin", "one bad frame", "as the photo was", "below half"],
)
def test_exposure_is_judged_against_the_photo(scores: list[float], photo: float, stopped: bool) -> None:
    assert isinstance(remake_exposure(scores, photo_score=photo).verdict, Remake) is stopped


def blinking(*, times_a_second: int, area: float = 1.0, low: float = 0.1, high: float = 0.9) -> np.ndarray:
    """Two seconds at 24 frames a second of a (8, 8) grid that goes dark and light again so often."""
    phase = (np.arange(48) * times_a_second * 2 // 24) % 2
    cells = np.full((48, 64), low, dtype=np.float32)
    cells[:, : int(64 * area)] = np.where(phase[:, None], high, low)
    return cells.reshape(48, 8, 8)


@pytest.mark.parametrize(
    ("clip", "stopped"),
    [
        (blinking(times_a_second=2), False),
        (blinking(times_a_second=3), False),
        (blinking(times_a_second=6), True),
        (blinking(times_a_second=6, area=0.2), False),
        (blinking(times_a_second=6, low=0.50, high=0.55), False),
        (blinking(times_a_second=6, low=0.85, high=0.99), False),
        (np.linspace(0, 1, 48, dtype=np.float32).reshape(48, 1, 1).repeat(8, 1), False),
    ],
    ids=["2 Hz", "3 Hz", "6 Hz", "a small lamp", "faint", "bright on bright", "a slow dawn"],
)
def test_more_than_three_flashes_a_second_are_stopped(clip: np.ndarray, stopped: bool) -> None:
    assert isinstance(remake_flashing(clip, frames_per_second=24).verdict, Remake) is stopped


def test_a_still_clip_has_no_flash() -> None:
    assert most_flashes_in_a_second(np.full((1, 2, 2), 0.5, np.float32), frames_per_second=24) == 0


def test_nudity_is_refused_from_its_threshold_on() -> None:
    assert isinstance(refuse_nudity(0.8, refuse_at=0.8).verdict, Refusal)
    assert refuse_nudity(0.79, refuse_at=0.8).verdict == Allowed()
