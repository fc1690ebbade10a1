"""Faces and bodies move, and stay who they are; who is not seen well enough stands still, and that is said."""

import io
import itertools
from dataclasses import replace

import cv2
import numpy as np
import pytest
from photos import landscape
from PIL import Image

from engine.classifiers.faces import FaceReader
from engine.prompts.directions import Directions, Wish
from engine.renderers import ClipFormat, Scene
from engine.renderers.scene import SceneRenderer
from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.camera import Camera
from engine.renderers.scene.compose import Composer
from engine.renderers.scene.effects import EFFECTS
from engine.renderers.scene.landmarks import LandmarkModel
from engine.renderers.scene.layers import part
from engine.renderers.scene.matte import NearObjectModel
from engine.renderers.scene.stage import Moment, Stage
from engine.verdicts import Face, PhotoFacts
from tests.journeys.portrait import a_portrait

CODES = ("blink", "wink", "smile", "breathing", "hair")
FORMAT = ClipFormat(short_side=360, seconds=4.0)
CLOSED = 1.3 / 4
"""Of a clip of four seconds: where a wink is at its deepest."""


@pytest.fixture(scope="module")
def reader():
    return FaceReader.load()


@pytest.fixture(scope="module")
def face_model(models):
    return LandmarkModel(models)


@pytest.fixture(scope="module")
def pixels():
    return np.asarray(Image.open(io.BytesIO(a_portrait())).convert("RGB"))


@pytest.fixture(scope="module")
def view(models, reader, face_model, pixels):
    return read(pixels, reader, models, face_model)


def read(pixels, reader, models, face_model):
    return read_photo(
        pixels,
        facts(reader, pixels),
        clip_format=FORMAT,
        model=NearObjectModel(models),
        face_model=face_model,
    )


def facts(reader, pixels):
    return PhotoFacts(faces=tuple(found.face for found in reader.find(pixels)))


def compose(view, code, *, strength=1.0, camera="static", seed=1, loops=False):
    layers = part(view)
    stage = Stage(layers.photo, view.reading, view.framing.width, view.framing.height, FORMAT.seconds, seed)
    move = Camera(camera, 1.0, view.reading.focus, stage.width, stage.height)
    return layers, Composer(stage, layers, move, [EFFECTS[code](stage, strength)], loops=loops)


def to_rgb(picture):
    frame = picture.to_frame()
    planar = np.concatenate([plane.reshape(-1) for plane in (frame.y, frame.u, frame.v)])
    return cv2.cvtColor(planar.reshape(-1, frame.y.shape[1]), cv2.COLOR_YUV2RGB_I420)


def with_dark_glasses(pixels):
    dark = pixels.copy()
    for side in (-1, 1):
        cv2.ellipse(dark, (180 + side * 27, 194), (24, 17), 0, 0, 360, (25, 25, 30), -1, cv2.LINE_AA)
    return dark


def animate(renderer, reader, pixels, *codes):
    directions = Directions(wishes=tuple(Wish(effect=code) for code in codes), understood=bool(codes))
    return renderer.animate(Scene(pixels, directions, facts(reader, pixels), 1, FORMAT))


def test_the_parts_of_a_face_are_found(reader, face_model, pixels):
    mesh = face_model.find(pixels, reader.find(pixels)[0].face)

    drawn = {33: (140, 192), 263: (220, 192), 61: (157, 252), 291: (203, 252), 152: (180, 291)}
    assert all(np.hypot(*(mesh.points[point] - place)) < 8 for point, place in drawn.items())
    assert abs(mesh.width - 128) < 12


@pytest.mark.parametrize("roll", [-40, 25])
def test_a_tilted_head_is_read_as_well(reader, face_model, pixels, roll):
    turn = cv2.getRotationMatrix2D((180, 208), roll, 1)
    turned = cv2.warpAffine(pixels, turn, (360, 480), borderMode=cv2.BORDER_REPLICATE)
    upright = face_model.find(pixels, reader.find(pixels)[0].face).points

    mesh = face_model.find(turned, reader.find(turned)[0].face)

    assert np.abs(mesh.points - cv2.transform(upright[None], turn)[0]).mean() < 4


def test_what_is_no_face_has_no_landmarks(face_model):
    face = Face(x=100, y=250, width=120, height=150, score=0.9)

    assert face_model.find(landscape(), face) is None


def test_a_small_face_stands_still(models, reader, face_model, pixels):
    wide = cv2.copyMakeBorder(pixels, 700, 700, 700, 700, cv2.BORDER_REPLICATE)

    assert read(wide, reader, models, face_model).reading.people == ()


def test_behind_dark_glasses_nobody_blinks(models, reader, face_model, pixels):
    person = read(with_dark_glasses(pixels), reader, models, face_model).reading.people[0]

    assert person.mesh
    assert not person.eyes


@pytest.mark.parametrize("code", CODES)
def test_the_first_frame_is_the_photo(view, code):
    layers, composer = compose(view, code, strength=1.6)

    first = composer.compose(0)

    assert np.array_equal(first.y, layers.photo.y)
    assert np.array_equal(first.uv, layers.photo.uv)


@pytest.mark.parametrize("code", CODES)
def test_something_moves_the_same_for_the_same_seed_and_nothing_is_left_behind(view, code):
    moved = []
    for _ in range(2):
        layers, composer = compose(view, code)
        frames = [composer.compose(share) for share in np.linspace(0, 1, 25)]
        moved.append([float(np.abs(frame.y.astype(int) - layers.photo.y).mean()) for frame in frames])
        assert np.array_equal(composer.compose(0).y, layers.photo.y)

    assert moved[0] == moved[1]
    assert max(moved[0]) > 0.01


@pytest.mark.parametrize("code", CODES)
def test_a_loop_ends_where_it_began(view, code):
    layers, composer = compose(view, code, loops=True)

    frames = [frame.y.astype(int) for frame in composer.frames(64)]

    steps = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(frames)]
    assert float(np.abs(frames[-1] - layers.photo.y).mean()) <= max(steps)


@pytest.mark.parametrize("code", CODES)
def test_the_person_stays_the_same(view, reader, pixels, code):
    known = reader.embed(view.pixels, reader.find(view.pixels)[0])
    _, composer = compose(view, code, strength=1.6, camera="push_in")

    for share in np.linspace(0.1, 1, 9):
        frame = to_rgb(composer.compose(share))
        assert float(reader.embed(frame, reader.find(frame)[0]) @ known) >= 0.6


def test_a_blink_closes_both_eyes_and_touches_nothing_else(view):
    layers, composer = compose(view, "blink")

    frames = [composer.compose(share).y.astype(int) for share in np.linspace(0, 1, 97)]
    change = np.max([np.abs(frame - layers.photo.y) for frame in frames], axis=0) > 25

    eyes = [eye.middle for eye in view.reading.people[0].eyes]
    reach = 1.5 * view.reading.people[0].eyes[0].half_width
    rows, columns = np.nonzero(change)
    away = [np.hypot(columns - x, rows - y) for x, y in eyes]
    assert min((distance < reach).sum() for distance in away) > 50
    assert np.minimum(*away).max() < reach
    assert sum(np.array_equal(frame, layers.photo.y) for frame in frames) > 60  # open most of the time


def test_a_wink_closes_one_eye(view):
    layers, composer = compose(view, "wink")

    change = np.abs(composer.compose(CLOSED).y.astype(int) - layers.photo.y)

    x, y = np.mean([eye.middle for eye in view.reading.people[0].eyes], axis=0).astype(int)
    left, right = change[y - 15 : y + 15, x - 50 : x], change[y - 15 : y + 15, x : x + 50]
    assert max(left.mean(), right.mean()) > 4 * min(left.mean(), right.mean())


def test_a_smile_lifts_the_corners_of_the_mouth_and_stays(view, face_model, reader):
    _, composer = compose(view, "smile")

    lifts = []
    for share in (0, 0.6, 1):
        frame = to_rgb(composer.compose(share))
        mesh = face_model.find(frame, reader.find(frame)[0].face)
        corners = mesh.points[[61, 291]]
        lifts.append(float((corners.mean(0) - mesh.points[4]) @ mesh.up) / mesh.width)
        wide = float(np.linalg.norm(corners[0] - corners[1])) / mesh.width

    assert lifts[1] > lifts[0] + 0.015
    assert abs(lifts[2] - lifts[1]) < 0.01
    assert wide > 0.36  # drawn with 46 of 128 pixels


def test_breath_moves_the_chest_and_not_what_is_behind(view):
    layers, composer = compose(view, "breathing")
    assert view.reading.near_parts

    change = np.abs(composer.compose(0.45).y.astype(int) - layers.photo.y)

    beside = cv2.dilate(layers.near.cover, np.ones((25, 25), np.uint8)) == 0
    assert change[beside].max() == 0
    assert change[400:].max() > 10


def test_those_who_stand_close_together_do_not_move_each_other(view):
    one = view.reading.people[0]
    pair = tuple(replace(one, x=one.x + away) for away in (-0.4 * one.height, 0.4 * one.height))
    most = []
    for people in ((one,), pair):
        reading = replace(view.reading, people=people)
        stage = Stage(part(view).photo, reading, view.framing.width, view.framing.height, 4.0, 1)
        camera = Camera("static", 1.0, (0.5, 0.5), stage.width, stage.height)
        moment = Moment(0.4, 1.6, 1.6, 4.0, 4.0, loops=False, camera=camera, pose=camera.pose(0.4, 1.6))
        shifts = []
        EFFECTS["breathing"](stage, 1.0).bend_near(moment, shifts)
        most.append(float(np.abs(shifts[0]).max()))

    assert most[1] < 1.2 * most[0]


def test_wind_leaves_the_face_alone(view):
    layers, composer = compose(view, "hair", strength=1.6)

    change = np.abs(composer.compose(0.5).y.astype(int) - layers.photo.y)

    person = view.reading.people[0]
    top, left = int(person.y - 0.4 * person.height), int(person.x - 0.3 * person.width)
    assert (
        change[top : int(person.y + 0.4 * person.height), left : int(person.x + 0.3 * person.width)].max()
        <= 3
    )
    assert change[:top].max() > 6


def test_a_face_that_is_no_layer_of_its_own_moves_with_the_background(view):
    people = tuple(replace(person, near=False) for person in view.reading.people)
    flat = replace(view, reading=replace(view.reading, near_parts=False, people=people))

    for code in ("smile", "blink", "breathing"):
        layers, composer = compose(flat, code)
        frames = [composer.compose(share) for share in np.linspace(0, 1, 25)]
        assert max(np.abs(frame.y.astype(int) - layers.photo.y).max() for frame in frames) > 25


def test_an_empty_caption_makes_a_person_breathe_and_blink(renderer, reader, pixels):
    clip = animate(renderer, reader, pixels)

    assert clip.made.moved == ("push_in", "breathing", "blink")
    assert {"U2-Netp", "MediaPipe Face Mesh"} <= {model.name for model in clip.models}


def test_where_nobody_is_the_wish_is_not_found_and_the_camera_moves(renderer, reader):
    clip = animate(renderer, reader, landscape(clouds=False), *CODES)

    assert clip.made.moved == ("push_in",)
    assert clip.made.not_found == CODES


def test_without_the_landmarks_weights_faces_stand_still(models, tmp_path, reader, pixels):
    (tmp_path / "u2netp.onnx").symlink_to(models / "u2netp.onnx")
    renderer = SceneRenderer(tmp_path)

    clip = animate(renderer, reader, pixels, "smile", "wink", "breathing")

    assert clip.made.moved == ("push_in", "breathing")
    assert clip.made.not_found == ("smile", "wink")
    assert len(list(clip.frames)) == clip.frame_count


@pytest.mark.parametrize("code", ["blink", "wink"])
def test_eyes_that_are_covered_are_not_found(renderer, reader, pixels, code):
    clip = animate(renderer, reader, with_dark_glasses(pixels), code)

    assert clip.made.not_found == (code,)
    assert clip.made.moved == ("push_in", "breathing")
