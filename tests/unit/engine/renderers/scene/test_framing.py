"""What the clip shows of a photo: upright photos 9:16, others their own shape, always around the subject."""

import numpy as np
import pytest

from engine.renderers import ClipFormat
from engine.renderers.scene.framing import choose_framing


def frame(width, height, *, subject=(0.5, 0.5), **settings):
    return choose_framing(width=width, height=height, subject=subject, clip_format=ClipFormat(**settings))


@pytest.mark.parametrize(
    ("photo", "settings", "clip"),
    [
        ((1080, 1920), {}, (720, 1280)),
        ((1500, 2000), {}, (720, 1280)),
        ((2000, 1500), {}, (960, 720)),
        ((1000, 1000), {}, (720, 720)),
        ((1920, 1080), {}, (1280, 720)),
        ((2048, 171), {}, (1720, 720)),  # 12:1 is cut to cinema scope
        ((171, 2048), {}, (720, 1280)),
        ((64, 64), {}, (720, 720)),
        ((2000, 1500), {"aspect": "9:16"}, (720, 1280)),
        ((1500, 2000), {"short_side": 1080}, (1080, 1920)),
        ((1500, 2000), {"short_side": 96}, (96, 160)),
    ],
)
def test_the_size_of_the_clip(photo, settings, clip):
    framing = frame(*photo, **settings)

    assert (framing.width, framing.height) == clip


@pytest.mark.parametrize(
    "photo", [(1080, 1920), (2000, 1500), (2048, 171), (171, 2048), (641, 480), (64, 70), (999, 1000)]
)
def test_nothing_is_stretched_and_sides_are_even(photo):
    framing = frame(*photo)

    stretched = (framing.width / framing.crop_width) / (framing.height / framing.crop_height)
    assert abs(stretched - 1) < 0.02
    assert framing.width % 2 == framing.height % 2 == 0
    assert 0 <= framing.left <= photo[0] - framing.crop_width
    assert 0 <= framing.top <= photo[1] - framing.crop_height


@pytest.mark.parametrize("place", [0.05, 0.3, 0.9])
def test_the_crop_goes_around_the_subject(place):
    framing = frame(2000, 1000, subject=(place, 0.5), aspect="9:16")

    across, _ = framing.place(place * 2000, 500)
    assert 0 <= across <= 1
    assert abs(across - 0.5) < 0.01 or framing.left in {0, 2000 - framing.crop_width}


def test_a_photo_of_the_clip_s_size_is_shown_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (1280, 720, 3), np.uint8)

    assert (frame(720, 1280).cut(pixels) == pixels).all()
