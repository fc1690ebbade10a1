"""A sky with clouds is found where it is; a wall, a page and a lawn are none."""

import numpy as np
import pytest
from photos import landscape, texture

from engine.renderers.scene.sky import find_sky


def small(pixels):
    return np.ascontiguousarray(pixels[::2, ::2])


def test_a_sky_with_clouds_is_found_and_can_drift():
    sky = find_sky(small(landscape()))

    assert (sky.mask[: len(sky.mask) // 2 - 6] > 0.5).mean() > 0.95
    assert (sky.mask[len(sky.mask) // 2 + 6 :] > 0.5).mean() < 0.02
    assert sky.drifts(asked=False)


def test_a_clear_sky_is_open_but_has_nothing_to_drift():
    sky = find_sky(small(landscape(clouds=False)))

    assert sky.is_open(asked=True)
    assert not sky.drifts(asked=True)


def wall(color, light):
    rows, columns = np.mgrid[0:240, 0:180]
    shade = 1 - light * np.hypot(rows - 40, columns - 30)[..., None] / 300
    grain = np.random.default_rng(3).normal(0, 2, (240, 180, 1))
    wall_above_floor = np.where((rows < 170)[..., None], np.float32(color) * shade, np.float32([96, 66, 44]))
    return np.clip(wall_above_floor + grain, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "color", [(225, 222, 215), (200, 185, 160), (150, 150, 150), (235, 235, 235), (190, 120, 90)]
)
@pytest.mark.parametrize("light", [0.0, 0.4])
@pytest.mark.parametrize("asked", [True, False])
def test_a_plain_wall_is_not_a_sky(color, light, asked):
    sky = find_sky(wall(color, light))

    assert not sky.drifts(asked=asked)
    assert not sky.is_open(asked=asked)


@pytest.mark.parametrize("size", [2, 5, 12])
def test_gravel_and_cloth_are_no_sky(size):
    gray = np.clip(128 + texture(240, 180, seed=4, size=size) * np.float32([60, 60, 58]), 0, 255).astype(
        np.uint8
    )

    assert not find_sky(gray).is_open(asked=True)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_empty_picture_has_no_sky(level):
    sky = find_sky(np.full((240, 180, 3), level, np.uint8))

    assert not sky.is_open(asked=True)
    assert not sky.mask.any()


def test_a_dark_backdrop_behind_something_bright_is_no_sky_unless_asked():
    upside_down = small(landscape())[::-1].copy()
    dark = np.where(np.arange(240)[:, None, None] < 120, (20, 60, 75), (170, 165, 160)).astype(np.float32)
    grain = texture(240, 180, seed=4, size=30) * 14
    backdrop = np.clip(dark + grain, 0, 255).astype(np.uint8)

    assert not find_sky(backdrop).is_open(asked=False)
    assert not find_sky(upside_down).drifts(asked=False)
