import numpy as np
import pytest

from engine.media.encode import SOUND_RATE
from engine.media.loudness import measure_loudness


def tone(*, seconds=3.0, level=-23.0, pitch=997):
    """A sine on both channels; at 997 Hz its loudness is its level (BS.1770-4, annex 1)."""
    time = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    wave = 10 ** (level / 20) * np.sin(2 * np.pi * pitch * time)
    return np.stack([wave, wave], axis=1)


@pytest.mark.parametrize("level", [-33.0, -23.0, -18.0])
def test_a_sine_is_as_loud_as_its_level(level):
    measured = measure_loudness(tone(level=level))

    assert measured.lufs == pytest.approx(level, abs=0.1)
    assert measured.true_peak == pytest.approx(level, abs=0.2)  # told in thousandths


def test_pauses_do_not_count():
    paused = np.concatenate([tone(), np.zeros_like(tone())])

    assert measure_loudness(paused).lufs == pytest.approx(-23, abs=0.4)


@pytest.mark.parametrize("seconds", [0.25, 0.533, 1.0331])
def test_lengths_that_fill_no_block_are_measured_too(seconds):
    assert measure_loudness(tone(seconds=seconds)).lufs == pytest.approx(-23, abs=1)


def test_silence_is_silent():
    assert measure_loudness(np.zeros((SOUND_RATE, 2))) == (-70, -120)
