"""What holds for every effect (people: test_people.py): the first frame is the photo, then something happens, the same for the same seed."""

import functools
import itertools

import cv2
import numpy as np
import pytest
from photos import SMALL, landscape, with_ball

from bench.parts.drawn import beach, candle, cup, room, stream
from engine.gates.flashing import most_flashes_in_a_second
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.camera import Camera
from engine.renderers.scene.compose import Composer
from engine.renderers.scene.effects import EFFECTS, Need
from engine.renderers.scene.layers import part
from engine.renderers.scene.matte import NearObjectModel
from engine.renderers.scene.stage import Stage
from engine.verdicts import PhotoFacts

OF_PEOPLE = {Need.FACE, Need.EYES, Need.PERSON, Need.FIGURE}
SEEN = {"flicker": 0.05, "steam": 0.05}
"""How much of a picture changes at least, in luma on average; small things change less."""

CODES = sorted(code for code, effect in EFFECTS.items() if effect.needs not in OF_PEOPLE)


def lake():
    """Sky with clouds, a blue lake with level streaks below, a strip of grass at the foot."""
    pixels = landscape()
    rows = np.arange(240, 420)
    streaks = 8 * np.sin(rows * 0.9)[:, None, None] + 4 * np.sin(rows * 2.3)[:, None, None]
    pixels[240:420] = np.clip(np.float32([70, 120, 190]) + streaks, 0, 255)
    return pixels


PLACES = {"white_water": stream, "flicker": candle, "steam": cup, "swash": beach}
"""Where there is what some effects need; the lake has what the others do."""


@pytest.fixture(scope="module")
def views(models):
    """By effect: a photo on which it can be seen."""
    model = NearObjectModel(models)

    @functools.cache
    def look_at(draw):
        pixels = lake() if draw is None else draw().pixels
        return read_photo(pixels, PhotoFacts(), clip_format=SMALL, model=model, needs=Need)

    return lambda code: look_at(PLACES.get(code))


@pytest.fixture
def view(views, request):
    code = request.node.callspec.params.get("code") if hasattr(request.node, "callspec") else None
    return views(code)


def compose(view, code, *, strength=1.0, seed=1, seconds=4.0, loops=False):
    layers = part(view)
    stage = Stage(layers.photo, view.reading, view.framing.width, view.framing.height, seconds, seed)
    camera = Camera("static", 1.0, (0.5, 0.5), stage.width, stage.height)
    return layers.photo, Composer(stage, layers, camera, [EFFECTS[code](stage, strength)], loops=loops)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("strength", [0.5, 1.0, 1.6])
def test_the_first_frame_is_the_photo(view, code, strength):
    photo, composer = compose(view, code, strength=strength)

    first = composer.compose(0)

    assert np.array_equal(first.y, photo.y)
    assert np.array_equal(first.uv, photo.uv)


@pytest.mark.parametrize("code", CODES)
def test_then_it_shows_and_goes_on(view, code):
    photo, composer = compose(view, code)

    middle, *later = (composer.compose(share).y.astype(float) for share in np.linspace(0.5, 1, 13))

    assert np.abs(middle - photo.y).mean() > SEEN.get(code, 0.2)
    assert max(np.abs(frame - middle).mean() for frame in later) > SEEN.get(code, 0.2) / 2


@pytest.mark.parametrize("code", CODES)
def test_the_same_seed_gives_the_same_frame(view, code):
    frames = [compose(view, code, seed=7)[1].compose(0.6) for _ in range(2)]

    assert np.array_equal(frames[0].y, frames[1].y)
    assert np.array_equal(frames[0].uv, frames[1].uv)


@pytest.mark.parametrize(
    "code",
    [
        "snow",
        "rain",
        "fog",
        "confetti",
        "fireflies",
        "leaves",
        "petals",
        "balloons",
        "hearts",
        "embers",
    ],
)
def test_another_seed_gives_another_frame(view, code):
    one, two = (compose(view, code, seed=seed)[1].compose(0.6).y for seed in (1, 2))

    assert not np.array_equal(one, two)


@pytest.mark.parametrize(("code", "top", "bottom"), [("sky_drift", 0, 0.5), ("water", 0.5, 0.88)])
def test_what_has_a_place_stays_in_it(view, code, top, bottom):
    photo, composer = compose(view, code)

    change = np.abs(composer.compose(0.7).y.astype(float) - photo.y)
    rows = np.arange(len(change)) / len(change)
    inside = (rows > top + 0.06) & (rows < bottom - 0.06)
    outside = (rows < top - 0.06) | (rows > bottom + 0.06)
    assert change[inside].mean() > 2 * change[outside].mean()


def test_more_strength_is_more_snow(view):
    changes = []
    for strength in (0.5, 1.0, 1.6):
        photo, composer = compose(view, "snow", strength=strength)
        changes.append(float((np.abs(composer.compose(0.6).y.astype(float) - photo.y) > 20).mean()))

    assert changes[0] < changes[1] < changes[2]


def test_snow_falls_behind_the_near_object(models):
    pixels, ball = with_ball(landscape())
    view = read_photo(pixels, PhotoFacts(), clip_format=SMALL, model=NearObjectModel(models))
    assert view.reading.near_parts

    photo, composer = compose(view, "snow", strength=1.6)
    touched = np.zeros(photo.y.shape)
    for share in np.linspace(0.5, 1, 12):
        touched += np.abs(composer.compose(share).y.astype(float) - composer.compose(0.5).y) > 8

    inside = view.framing.cut(np.repeat(ball[..., None], 3, 2).astype(np.uint8) * 255)[..., 0] > 250
    assert touched[inside].mean() < 0.6 * touched[~inside].mean()


def test_fog_reaches_the_edge_of_the_near_object(models):
    dark = np.full((480, 360, 3), (20, 40, 90), np.uint8)
    pixels, ball = with_ball(dark)
    view = read_photo(pixels, PhotoFacts(), clip_format=SMALL, model=NearObjectModel(models))
    assert view.reading.near_parts

    photo, composer = compose(view, "fog")
    veil = composer.compose(0.8).y.astype(float) - photo.y

    covered = view.framing.cut(np.repeat(ball[..., None], 3, 2).astype(np.uint8) * 255)[..., 0]
    away = cv2.distanceTransform((covered < 128).astype(np.uint8), cv2.DIST_L2, 5)
    halo, beyond = (away > 2) & (away < 4), (away > 8) & (away < 14)
    assert veil[halo].mean() > 0.7 * veil[beyond].mean() > 0


@pytest.mark.parametrize("code", CODES)
def test_a_loop_ends_where_it_began(view, code):
    photo, composer = compose(view, code, loops=True)

    frames = [frame.y.astype(float) for frame in composer.frames(48)]

    steps = [np.abs(after - before).mean() for before, after in itertools.pairwise(frames)]
    assert np.abs(composer.compose(1).y.astype(float) - photo.y).mean() < 0.05
    assert np.abs(frames[-1] - frames[0]).mean() <= 2 * np.mean(steps)


@pytest.mark.parametrize("seed", range(3))
def test_lightning_flashes_and_never_more_than_the_gate_lets_pass(views, seed):
    _, composer = compose(views("lightning"), "lightning", strength=1.6, seed=seed)

    frames = [cv2.resize(frame.y, (24, 40), interpolation=cv2.INTER_AREA) for frame in composer.frames(96)]

    light = (np.clip((np.float32(frames) - 16) / 219, 0, 1)) ** 2.2
    brightness = light.mean((1, 2))
    assert np.diff(brightness).max() > 0.02
    assert most_flashes_in_a_second(light, frames_per_second=24) <= 2


def test_places_are_looked_for_only_when_asked_and_not_found_in_a_bare_room(views, models):
    codes = ["sway", "swash", "white_water", "flicker", "steam"]
    needs = {EFFECTS[code].needs for code in codes}

    bare = read_photo(
        room().pixels, PhotoFacts(), clip_format=SMALL, model=NearObjectModel(models), needs=needs
    ).reading

    assert all(views(code).reading.has(EFFECTS[code].needs) for code in codes)
    assert set(bare.places) == needs
    assert not any(bare.has(need) for need in needs)
