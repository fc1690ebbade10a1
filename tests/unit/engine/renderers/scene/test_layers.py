"""What the near object hides goes on without a seam, and what belongs to the object goes with it."""

import cv2
import numpy as np
from photos import LARGE, landscape, with_ball

from engine.renderers.scene.analysis import read_photo
from engine.renderers.scene.fill import fill_behind
from engine.renderers.scene.layers import _with_strands, part
from engine.renderers.scene.matte import NearObjectModel
from engine.verdicts import PhotoFacts


def backdrop(height=320, width=240):
    """A soft gradient with grain."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    soft = np.stack([60 + rows / 3, 90 + columns / 3, 140 - rows / 5], axis=2)
    grain = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 20, (height, width)), (0, 0), 1.5)
    return soft + grain[..., None]


def disc(height=320, width=240, *, radius=60):
    rows, columns = np.mgrid[0:height, 0:width]
    return (np.hypot(rows - height / 2, columns - width / 2) < radius).astype(np.uint8)


def photo_of(core, *, color=(235, 40, 40)):
    return np.clip(np.where(core[..., None] > 0, color, backdrop()), 0, 255).astype(np.uint8)


def rim(core, inner, outer):
    """Pixels from `inner` to `outer` inside the core's edge."""
    away = cv2.distanceTransform(core, cv2.DIST_L2, 5)
    return (away > inner) & (away <= outer)


def test_a_fill_has_no_seam_in_colour_and_no_lack_of_grain():
    core = disc()
    filled = fill_behind(photo_of(core), core).astype(np.float32)
    true = np.clip(backdrop(), 0, 255)
    edge = rim(core, 2, 16)

    assert np.abs(cv2.GaussianBlur(filled, (0, 0), 3) - cv2.GaussianBlur(true, (0, 0), 3))[edge].mean() < 5
    grain = (filled - cv2.GaussianBlur(filled, (0, 0), 2))[edge].std()
    assert grain > 0.4 * (true - cv2.GaussianBlur(true, (0, 0), 2))[edge].std()
    assert np.array_equal(filled[core == 0], photo_of(core)[core == 0])


class Haunted:
    """A painter that draws a bright patch, and takes its middle for a face."""

    def draw(self, pixels, hole):
        return np.where(hole[..., None], 255, pixels).astype(np.uint8)

    def find_faces(self, drawn, hole):
        found = np.zeros(hole.shape, bool)
        found[70:90, 50:70] = True
        return found


def test_a_face_in_a_drawn_background_is_painted_out():
    core = disc()
    filled = fill_behind(photo_of(core), core, painter=Haunted())

    assert filled[200, 120].min() > 240  # drawn
    assert np.ptp(filled[142:178, 102:138].reshape(-1, 3), axis=0).max() < 12  # and no face in it


def test_strands_beside_the_matte_belong_to_the_object():
    core = disc()
    pixels = photo_of(core)
    cv2.line(pixels, (120, 98), (120, 94), (235, 40, 40), 3)  # sticks out at the top
    cv2.circle(pixels, (20, 20), 4, (235, 40, 40), -1)  # far away: not of the object

    grown = _with_strands(pixels, core)

    assert grown[96:100, 120].all()
    assert not grown[20, 20]
    assert (grown > 0).sum() < 1.2 * core.sum()
    assert (grown >= core).all()


def test_near_over_background_is_the_photo_where_the_object_is_not_moved(models):
    pixels, _ = with_ball(landscape())
    layers = part(read_photo(pixels, PhotoFacts(), clip_format=LARGE, model=NearObjectModel(models)))
    stretched = cv2.resize(layers.near.half_cover, layers.near.cover.shape[::-1])

    for cover, photo, background in (
        (stretched, layers.photo.y, layers.background.y),
        (layers.near.half_cover, layers.photo.uv, layers.background.uv),
    ):
        assert np.array_equal(photo[cover < 255], background[cover < 255])
