"""What is read in a photo besides the sky: people, horizon, depth and light, each as sure as it can be."""

import numpy as np
import pytest
from photos import SMALL, landscape, with_ball

from engine.renderers.scene.aids import Aids, load_aids
from engine.renderers.scene.analysis import _without_scraps, read_photo
from engine.renderers.scene.daylight import read_daylight
from engine.renderers.scene.depth import agreement, find_far_depth, find_horizon, rise_to_horizon
from engine.renderers.scene.matte import NearObjectModel
from engine.renderers.scene.person_matte import _with_faces
from engine.renderers.scene.sky import Sky, find_sky
from engine.verdicts import Face, PhotoFacts


@pytest.fixture(scope="module")
def model(models):
    return NearObjectModel(models)


def read(pixels, model, *, facts=PhotoFacts(), **more):  # noqa: B008  frozen
    return read_photo(pixels, facts, clip_format=SMALL, model=model, **more)


def test_optional_models_that_are_missing_are_done_without(tmp_path, model):
    aids = load_aids(tmp_path)
    face = Face(x=120, y=200, width=110, height=130, score=0.9)
    view = read(landscape(), model, facts=PhotoFacts(faces=(face,)), aids=aids)

    assert aids == Aids()
    assert [used.name for used in view.models] == ["U2-Netp"]


def test_a_person_counts_only_with_a_face():
    found = np.zeros((100, 100), np.float32)
    found[10:50, 10:40] = found[60:90, 60:90] = 0.9

    with_one = _with_faces(found, [(0.2, 0.2), (1.4, 0.5)])

    assert with_one[30, 20] == np.float32(0.9)
    assert with_one[75, 75] == 0
    assert not _with_faces(found, []).any()


class Everywhere:
    """A person model that sees somebody in the left half."""

    def find(self, pixels, faces):
        return np.tile(np.float32([1, 0]), (2, 1))


def test_people_whom_the_matte_left_out_are_near_too(model):
    face = Face(x=40, y=200, width=60, height=70, score=0.9)
    view = read(landscape(), model, facts=PhotoFacts(faces=(face,)), aids=Aids(person=Everywhere()))

    assert view.reading.near[:, :20].min() > 0.9
    assert [used.name for used in view.models] == ["U2-Netp", "MediaPipe Selfie Segmentation"]


def test_the_horizon_is_as_sure_as_the_sky_above_it():
    row, confidence = find_horizon(find_sky(np.ascontiguousarray(landscape()[::2, ::2])))
    nowhere = find_horizon(Sky(mask=np.zeros((240, 180), np.float32)))

    assert abs(row - 0.5) < 0.03
    assert confidence > 0.6
    assert nowhere[1] == 0


def test_depth_goes_on_behind_a_near_object_and_does_not_bend_around_it(model):
    plain, ball = (read(pixels, model).reading for pixels in (landscape(), with_ball(landscape())[0]))

    assert ball.near_parts
    covered = ball.near > 0.5
    assert np.abs(ball.depth - plain.depth)[covered].mean() < 0.08


def test_seen_depth_counts_as_much_as_it_agrees_with_the_ground():
    ground, small = rise_to_horizon(0.3, 60, 40), np.full((60, 40, 3), 120, np.uint8)
    none, sky = np.zeros((60, 40), np.float32), Sky(mask=np.zeros((60, 40), np.float32))
    wavy = np.clip(ground + 0.3 * np.sin(np.arange(40) / 6, dtype=np.float32), 0, 1)

    without = find_far_depth(small, ground, sky, none, seen=None, apart=False)
    against = find_far_depth(small, ground, sky, none, seen=1 - ground, apart=False)
    agreeing = find_far_depth(small, ground, sky, none, seen=wavy, apart=False)

    assert agreement(ground, 1 - ground) == 0
    assert np.allclose(without, against)
    assert np.abs(agreeing - without).mean() > 0.02


def test_the_light_of_a_day_and_of_a_night():
    nothing = Sky(mask=np.zeros((240, 180), np.float32))
    day = np.ascontiguousarray(landscape()[::2, ::2])
    golden = np.clip(day * np.float32([1.2, 0.9, 0.5]), 0, 255).astype(np.uint8)
    night = (day * 0.15).astype(np.uint8)
    night[100:110, 120:130] = (255, 220, 150)

    assert not read_daylight(day, nothing).is_night
    assert read_daylight(golden, nothing).warmth > read_daylight(day, nothing).warmth + 0.2
    lamp = read_daylight(night, nothing)
    assert lamp.is_night
    assert np.hypot(lamp.source[0] - 125 / 180, lamp.source[1] - 105 / 240) < 0.05
    assert lamp.source_confidence > 0.4


def test_scraps_of_something_far_do_not_come_near():
    near = np.zeros((120, 90), np.float32)
    near[40:100, 20:60] = 0.9  # the object
    near[10:30, 80:83] = 0.8  # the tip of a mast
    near[50:80, 66:86] = 0.9  # somebody beside it

    kept = _without_scraps(near)

    assert (kept[10:30, 80:83] == 0).all()
    assert np.array_equal(kept[35:], near[35:])
