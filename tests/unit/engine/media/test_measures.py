"""Figures of clips whose motion is known."""

import cv2
import numpy as np
import pytest

from engine.media.measures import measure_clip, similarity

HEIGHT, WIDTH, RATE = 240, 180, 30


@pytest.fixture(scope="module")
def photo():
    noise = cv2.GaussianBlur(np.random.default_rng(1).standard_normal((HEIGHT, WIDTH, 3)), (0, 0), 2.5)
    return np.clip(noise / noise.std() * 50 + 128, 0, 255).astype(np.uint8)


def moved(photo, right, down=0.0):
    matrix = np.float32([[1, 0, right], [0, 1, down]])
    return cv2.warpAffine(photo, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT_101)


def measure(frames, photo, **wanted):
    return measure_clip(frames, photo=photo, frames_per_second=RATE, **wanted)


def test_a_still_clip_has_no_motion_and_only_duplicates(photo):
    figures = measure([photo] * 12, photo)

    assert figures.similarity == pytest.approx(1)
    assert (figures.flow, figures.own_flow) == pytest.approx((0, 0), abs=2e-3)
    assert (figures.flicker, figures.duplicates, figures.seam) == (0, 1, 0)


def test_a_pan_is_motion_of_the_camera_alone(photo):
    figures = measure([moved(photo, 0.6 * number) for number in range(18)], photo)

    assert figures.flow == pytest.approx(0.6 * RATE / WIDTH, rel=0.15)
    assert figures.own_flow < 0.15 * figures.flow
    assert figures.duplicates == 0
    assert figures.seam > 4


def test_what_moves_inside_a_mask_is_told_from_the_rest(photo):
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[: HEIGHT // 2] = True
    frames = [np.where(mask[..., None], moved(photo, 0.6 * number), photo) for number in range(18)]

    figures = measure(frames, photo, regions={"sky": mask})

    assert figures.regions["sky"] > 10 * figures.rest


def test_a_swing_that_comes_home_has_no_seam(photo):
    turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)

    figures = measure([moved(photo, 5 * np.sin(turn)) for turn in turns], photo)

    assert figures.seam < 2


def test_steady_change_is_no_flicker_and_a_lamp_is():
    base = np.full((HEIGHT, WIDTH, 3), 100, np.uint8)
    fading = [base + np.uint8(2 * number) for number in range(12)]
    blinking = [base + np.uint8(20 * (number % 2)) for number in range(12)]

    assert measure(fading, base).flicker == 0
    assert measure(blinking, base).flicker == pytest.approx(40)


def test_another_picture_is_not_similar(photo):
    assert similarity(photo, photo[::-1].copy()) < 0.3


def test_two_frames_are_no_clip(photo):
    with pytest.raises(ValueError, match="fewer than three"):
        measure([photo] * 2, photo)
