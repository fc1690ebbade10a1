"""A clip that is not worth showing is told from one that is, on synthetic clips of a drawn photo."""

import cv2
import numpy as np
import pytest

from engine.errors import PoorClip
from engine.media.clip import Frame
from engine.renderers.quality import watch_quality

HEIGHT, WIDTH, COUNT = 320, 180, 25


def a_photo(seed=1):
    """Soft shapes with detail, as photos have."""
    random = np.random.default_rng(seed)
    coarse, fine = (
        random.standard_normal((HEIGHT // size + 2, WIDTH // size + 2)).astype(np.float32) for size in (40, 4)
    )
    shapes = sum(
        weight * cv2.resize(part, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        for weight, part in ((45, coarse), (14, fine))
    )
    return np.clip(125 + shapes, 16, 235).astype(np.uint8)


def still(photo, share):
    return photo


def grain(photo, share):
    noise = np.random.default_rng(round(share * 1000)).normal(0, 1.5, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8)


def zoom(photo, share):
    turned = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 0, 1 + 0.08 * share)
    return cv2.warpAffine(photo, turned, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def sway(photo, share):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    near = np.exp(-((rows - 160) ** 2 + (columns - 90) ** 2) / 60**2)
    return cv2.remap(
        photo,
        columns + np.float32(5 * np.sin(6 * share)) * near,
        rows,
        cv2.INTER_LINEAR,
        None,
        cv2.BORDER_REFLECT,
    )


def flicker(photo, share):
    return np.clip(sway(photo, share) * (1 + 0.04 * (-1) ** round(share * (COUNT - 1))), 0, 255).astype(
        np.uint8
    )


def noise(photo, share):
    return np.random.default_rng(round(share * 1000)).integers(0, 255, photo.shape, dtype=np.uint8)


def other(_photo, share):
    return sway(a_photo(2), share)


def watched(draw, photo):
    gray = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    frames = (Frame(draw(photo, number / (COUNT - 1)), gray, gray) for number in range(COUNT))
    return watch_quality(frames, photo, frames_per_second=24)


@pytest.mark.parametrize("draw", [zoom, sway])
def test_a_clip_that_moves_passes_through_unchanged(draw):
    photo = a_photo()

    frames = list(watched(draw, photo))

    assert len(frames) == COUNT
    assert np.array_equal(frames[-1].y, draw(photo, 1.0))


@pytest.mark.parametrize(
    ("draw", "fault"),
    [
        (still, "does not move"),
        (grain, "does not move"),
        (flicker, "flickers"),
        (noise, "does not begin with the photo, is noise"),
        (other, "does not begin with the photo"),
    ],
)
def test_what_is_no_clip_is_named_after_its_last_frame(draw, fault):
    frames, seen = watched(draw, a_photo()), 0

    with pytest.raises(PoorClip, match=fault):
        for _ in frames:
            seen += 1

    assert seen == COUNT
