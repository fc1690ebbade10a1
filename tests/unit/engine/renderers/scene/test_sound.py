"""What a clip sounds like: which sounds it has, how loud they are, and that nothing clicks."""

import itertools
from dataclasses import replace

import av
import numpy as np
import pytest
from photos import landscape, scene
from test_effects import lake

from bench.sound import CENTROID_FACTOR, MODULATION_TOLERANCE, RECORDED, find_place
from engine.media.decode import read_clip_info
from engine.media.encode import SOUND_RATE, write_mp4
from engine.media.loudness import measure_loudness
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.matte import NearObjectModel
from engine.renderers.scene.places import Need
from engine.renderers.scene.plan import make_plan
from engine.renderers.scene.sound import TEXTURES, make_ambience
from engine.verdicts import Face, PhotoFacts

CODES = sorted(TEXTURES)
PORTRAIT = PhotoFacts(faces=(Face(x=120, y=200, width=110, height=130, score=0.9),))


@pytest.fixture(scope="module")
def four_seconds():
    return {code: make_ambience({code: 1.0}, seconds=4, seed=1) for code in CODES}


@pytest.mark.parametrize("code", CODES)
def test_it_is_as_loud_as_agreed_and_its_peaks_are_soft(four_seconds, code):
    sound = four_seconds[code]

    loudness = measure_loudness(sound)

    assert sound.shape == (4 * SOUND_RATE, 2)
    assert -25 < loudness.lufs < -21
    assert loudness.true_peak < -3


@pytest.mark.parametrize("code", CODES)
def test_it_begins_and_ends_in_silence(four_seconds, code):
    sound = four_seconds[code]

    assert np.abs(sound[[0, -1]]).max() < 1e-4
    assert np.abs(np.diff(sound[:64], axis=0)).max() < 0.01


@pytest.mark.parametrize("code", CODES)
def test_a_loop_has_no_seam(code):
    sound = make_ambience({code: 1.0}, seconds=2, seed=3, loops=True)

    again = np.concatenate([sound, sound])[: len(sound) + 64]
    steps = np.abs(np.diff(again, n=2, axis=0)).max(axis=1)  # a click is a jump, or a sharp bend
    assert steps[-66:-62].max() <= np.quantile(steps, 0.999) * 1.2 + 1e-3


def test_the_same_seed_sounds_the_same_and_another_one_does_not(four_seconds):
    for code in CODES:
        assert np.array_equal(make_ambience({code: 1.0}, seconds=4, seed=1), four_seconds[code])
    assert not np.array_equal(make_ambience({"rain": 1.0}, seconds=4, seed=2), four_seconds["rain"])


@pytest.mark.parametrize("code", sorted(RECORDED))
def test_it_is_where_recordings_are(code):
    centroid, modulation = find_place(make_ambience({code: 1.0}, seconds=8, seed=2, loops=True))

    recorded = RECORDED[code]
    assert recorded[0] / CENTROID_FACTOR < centroid < recorded[0] * CENTROID_FACTOR
    assert abs(modulation - recorded[1]) < MODULATION_TOLERANCE


def test_left_and_right_are_related_but_not_the_same(four_seconds):
    for sound in four_seconds.values():
        assert 0.1 < np.corrcoef(sound.T)[0, 1] < 0.9


def test_thunder_follows_its_flash():
    sound = make_ambience({"thunder": 1.0}, seconds=4, seed=1, flashes=(2.0,))

    loud = np.flatnonzero(np.abs(sound).max(axis=1) > 0.05) / SOUND_RATE
    assert 2.2 < loud[0] < 2.7


def test_it_thunders_after_the_lightning_that_is_seen(renderer):
    longer = ClipFormat(short_side=96, seconds=4.0)
    directions = Directions(camera="static", wishes=(Wish(effect="lightning"),))
    clip = renderer.animate(replace(scene(landscape(), clip_format=longer), directions=directions))

    brightness = np.array([frame.y.mean() for frame in clip.frames])
    flash = np.flatnonzero(np.diff(brightness) > 5)[0] / clip.frames_per_second
    crack = np.flatnonzero(np.abs(clip.sound).max(axis=1) > 0.05)[0] / SOUND_RATE
    assert clip.made.sounds == ("thunder",)
    assert 0.2 < crack - flash < 0.8


def test_two_sounds_are_both_heard(four_seconds):
    both = make_ambience({"rain": 1.0, "birds": 1.0}, seconds=4, seed=1)

    assert abs(measure_loudness(both).lufs + 23) < 2
    assert not np.array_equal(both, four_seconds["rain"])


# --- which sounds --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def reading(models, small):
    def read(pixels, facts=PhotoFacts()):  # noqa: B008  frozen
        model = NearObjectModel(models)
        return read_photo(pixels, facts, clip_format=small, model=model, needs=[Need.WATER]).reading

    return {
        "lake": read(lake()),
        "portrait": read(landscape(), PORTRAIT),
        "room": read(np.full((480, 360, 3), (205, 198, 186), np.uint8)),
    }


@pytest.fixture(scope="module")
def small():
    return scene(landscape()).clip_format


RAIN, WATER = Wish(effect="rain"), Wish(effect="water")


@pytest.mark.parametrize(
    ("photo", "directions", "sounds"),
    [
        ("lake", {}, []),
        ("lake", {"wishes": (RAIN,)}, ["rain"]),
        ("lake", {"wishes": (RAIN, WATER)}, ["rain", "waves"]),
        ("lake", {"wishes": (RAIN,), "sound": False}, []),
        ("lake", {"wishes": (RAIN,), "loop": True}, []),
        ("lake", {"wishes": (RAIN,), "loop": True, "sound": True}, ["rain"]),
        ("lake", {"sounds": ("birds",)}, ["birds"]),
        ("lake", {"sounds": ("birds",), "wishes": (RAIN,)}, ["birds", "rain"]),
        ("portrait", {"sounds": ("birds",)}, ["birds"]),
        ("lake", {"sounds": ("birds",), "sound": False}, []),
        ("lake", {"sound": True}, ["wind"]),
        ("room", {"sound": True}, []),
        ("portrait", {"wishes": (RAIN,)}, []),
        ("portrait", {"wishes": (RAIN,), "sound": True}, ["rain"]),
    ],
)
def test_sounds_are_those_of_the_effects_or_those_that_were_asked_for(reading, photo, directions, sounds):
    plan = make_plan(Directions(**directions), reading[photo])

    assert list(plan.sounds) == sounds == list(plan.made.sounds)
    assert ("sound" in plan.made.not_possible) == (bool(directions.get("sound")) and not sounds)


def test_the_file_has_sound_as_long_as_its_picture_and_the_same_bytes_again(renderer, tmp_path):
    paths = [tmp_path / f"{name}.mp4" for name in "ab"]
    for path in paths:
        write_mp4(renderer.animate(scene(landscape(), "rain")), path)

    info = read_clip_info(paths[0])

    assert abs(info.sound_seconds - info.duration_seconds) < 0.03
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert decoded_loudness(paths[0]) > -26


def decoded_loudness(path):
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray() for frame in container.decode(audio=0)]
    return measure_loudness(np.concatenate(planes, axis=1).T).lufs


def test_without_a_sound_there_is_no_empty_track(renderer, tmp_path):
    write_mp4(renderer.animate(scene(landscape(), "snow")), tmp_path / "snow.mp4")

    assert not read_clip_info(tmp_path / "snow.mp4").has_sound


def test_every_effect_names_sounds_that_there_are():
    from engine.renderers.scene.effects import EFFECTS

    assert set(itertools.chain.from_iterable(effect.sounds for effect in EFFECTS.values())) <= set(TEXTURES)
