"""The scene renderer from photo and caption to frames."""

import itertools

import cv2
import numpy as np
import pytest
from photos import SMALL, landscape, scene, with_ball

from engine.errors import ConfigError, RenderFailed
from engine.media.decode import read_clip_info, sample_frames
from engine.media.encode import write_mp4
from engine.media.measures import similarity
from engine.prompts.looks import LOOK_NAMES
from engine.renderers import ClipFormat, find_renderer
from engine.renderers.scene import SceneRenderer
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.matte import NearObjectModel
from engine.verdicts import Face, PhotoFacts

LARGER = ClipFormat(short_side=180, seconds=1.0)


def test_it_is_found_by_its_name():
    assert find_renderer("scene") is SceneRenderer


def test_without_the_weights_it_does_not_start_and_says_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"U2-Netp.*models fetch"):
        SceneRenderer(tmp_path).warm_up()


def test_the_clip_says_who_made_it_and_that_a_trained_model_shaped_it(renderer):
    clip = renderer.animate(scene(landscape(), "heavy snow, zoom out, and the dog runs"))

    assert clip.renderer == "scene"
    assert clip.digital_source_type.endswith("/compositeWithTrainedAlgorithmicMedia")
    assert [(model.name, model.licence) for model in clip.models] == [("U2-Netp", "Apache-2.0")]
    assert clip.made.moved == ("pull_out", "snow")
    assert clip.made.not_possible == ("the dog runs",)
    assert len(list(clip.frames)) == clip.frame_count == 12


def test_sound_that_was_asked_for_is_made_or_said_to_be_impossible(renderer):
    wall = np.full((480, 360, 3), (205, 198, 186), np.uint8)
    silent, heard = (renderer.animate(scene(wall, prompt)) for prompt in ("snow with sound", "rain"))

    assert silent.sound is None
    assert silent.made.not_possible == ("sound",)
    assert heard.sound is not None
    assert heard.made.sounds == ("rain",)


@pytest.mark.parametrize(
    "prompt", ["", "snow", "night, orbit", "rain, handheld", "dolly zoom with fog", "pan left, golden hour"]
)
def test_the_first_frame_of_the_file_is_the_photo(renderer, tmp_path, prompt):
    pixels, _ = with_ball(landscape())
    clip = renderer.animate(scene(pixels, prompt, clip_format=LARGER))
    write_mp4(clip, tmp_path / "clip.mp4")

    first = sample_frames(tmp_path / "clip.mp4", 1)[0]

    left = (pixels.shape[1] - pixels.shape[0] * clip.width / clip.height) / 2
    shown = pixels[:, round(left) : pixels.shape[1] - round(left)]
    assert (
        similarity(first, cv2.resize(shown, (clip.width, clip.height), interpolation=cv2.INTER_AREA)) > 0.95
    )


def test_the_near_object_is_found_and_grows_more_than_what_is_behind(renderer, models):
    pixels, ball = with_ball(landscape(clouds=False))
    view = read_photo(pixels, PhotoFacts(), clip_format=LARGER, model=NearObjectModel(models))
    true = view.framing.cut(np.repeat(ball[..., None], 3, 2).astype(np.uint8) * 255)[..., 0] > 128
    found = cv2.resize(view.reading.near, true.shape[::-1]) > 0.5
    assert (true & found).sum() / (true | found).sum() > 0.85

    frames = list(renderer.animate(scene(pixels, "zoom in", clip_format=LARGER)).frames)
    grown = [float(np.sqrt((frame.v > 170).sum())) for frame in (frames[0], frames[-1])]

    assert grown[1] / grown[0] > 1.1  # the far background grows by 1.09 at most


def test_the_same_order_gives_the_same_bytes_and_another_seed_others(renderer, tmp_path):
    paths = [tmp_path / f"{name}.mp4" for name in "abc"]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        write_mp4(renderer.animate(scene(landscape(), "snow and fog", seed=seed)), path)

    one, two, other = (path.read_bytes() for path in paths)
    assert one == two != other


def test_an_empty_caption_moves_the_camera_and_a_sky_that_can_be_trusted(renderer):
    with_sky = renderer.animate(scene(landscape()))
    without = renderer.animate(scene(np.full((480, 360, 3), 190, np.uint8)))

    assert with_sky.made.moved == ("push_in", "sky_drift")
    assert without.made.moved == ("push_in",)


def test_a_night_sky_stands_still_unless_asked(renderer):
    night = (landscape() * 0.2).astype(np.uint8)

    assert renderer.animate(scene(night)).made.moved == ("push_in",)


def test_a_portrait_keeps_its_backdrop_still_unless_asked(renderer):
    facts = PhotoFacts(faces=(Face(x=120, y=200, width=110, height=130, score=0.9),))

    assert "sky_drift" not in renderer.animate(scene(landscape(), facts=facts)).made.moved
    assert "sky_drift" in renderer.animate(scene(landscape(), "drifting clouds", facts=facts)).made.moved


def test_what_the_photo_has_not_is_said(renderer):
    wall = np.full((480, 360, 3), (205, 198, 186), np.uint8)
    clip = renderer.animate(scene(wall, "drifting clouds, waves and snow"))

    assert clip.made.not_found == ("sky_drift", "water")
    assert clip.made.moved == ("push_in", "snow")


def test_what_is_refused_is_left_out(renderer):
    assert renderer.animate(scene(landscape(), "no clouds")).made.moved == ("push_in",)
    assert renderer.animate(scene(landscape(), "no camera movement")).made.moved == ("sky_drift",)
    assert renderer.animate(scene(landscape(clouds=False), "static camera")).made.moved == ("golden_hour",)


@pytest.mark.parametrize("look", LOOK_NAMES)
def test_every_look_makes_a_clip_that_moves(renderer, look):
    frames = list(renderer.animate(scene(landscape(), look=look)).frames)

    assert np.abs(frames[-1].y.astype(int) - frames[0].y).mean() > 0.5


def test_an_unknown_look_is_a_fault(renderer):
    with pytest.raises(RenderFailed, match="no look"):
        renderer.animate(scene(landscape(), look="handstand"))


def strange_photos():
    random = np.random.default_rng(0)
    yield "black", np.zeros((400, 300, 3), np.uint8)
    yield "white", np.full((400, 300, 3), 255, np.uint8)
    yield "tiny", random.integers(0, 256, (64, 64, 3), np.uint8)
    yield "panorama", random.integers(0, 256, (64, 768, 3), np.uint8)
    yield "tower", random.integers(0, 256, (768, 64, 3), np.uint8)
    yield "noise", random.integers(0, 256, (333, 501, 3), np.uint8)
    yield "page", np.where(random.random((400, 300, 1)) > 0.9, 20, 250).repeat(3, 2).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "pixels"), list(strange_photos()), ids=lambda value: value if isinstance(value, str) else ""
)
@pytest.mark.parametrize("prompt", ["", "snow, night, waves, clouds, sun rays, orbit"])
def test_strange_photos_give_a_decent_clip(renderer, tmp_path, name, pixels, prompt):
    clip = renderer.animate(scene(pixels, prompt))
    write_mp4(clip, tmp_path / f"{name}.mp4")

    info = read_clip_info(tmp_path / f"{name}.mp4")

    assert info.frame_count == 12
    assert min(info.width, info.height) == 96


def test_frames_may_be_written_on_and_are_not_shared(renderer):
    frames = renderer.animate(scene(landscape(), "static, snow")).frames
    first = next(frames)
    first.y[:] = 0

    assert next(frames).y.mean() > 50


def test_a_landscape_clip_keeps_its_shape(renderer):
    clip = renderer.animate(scene(landscape(240, 480), clip_format=SMALL))
    portrait = renderer.animate(
        scene(landscape(240, 480), clip_format=ClipFormat(short_side=96, seconds=0.5, aspect="9:16"))
    )

    assert (clip.width, clip.height) == (192, 96)
    assert (portrait.width, portrait.height) == (96, 160)


@pytest.mark.parametrize("camera", ["zoom in", "orbit", "pan left", "handheld", "dolly zoom"])
def test_a_loop_comes_back_to_the_photo_and_that_is_said(renderer, camera):
    clip = renderer.animate(scene(landscape(), f"{camera}, as an endless loop", clip_format=LARGER))
    frames = [frame.y.astype(float) for frame in clip.frames]

    steps = [np.abs(after - before).mean() for before, after in itertools.pairwise(frames)]
    assert clip.made.moved[-1] == "loop"
    assert np.abs(frames[-1] - frames[0]).mean() <= 2 * np.mean(steps)
