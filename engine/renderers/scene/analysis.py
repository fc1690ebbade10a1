"""Reads a photo: what is near, where the sky is, how far each place is, and what the camera should look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.media.clip import TrainedModel
from engine.renderers import ClipFormat
from engine.renderers.scene import depth as depths
from engine.renderers.scene import matte, person_matte
from engine.renderers.scene.aids import Aids
from engine.renderers.scene.daylight import Daylight, read_daylight
from engine.renderers.scene.filters import resize_map, to_long_side
from engine.renderers.scene.framing import Framing, choose_framing
from engine.renderers.scene.landmarks import LandmarkModel
from engine.renderers.scene.matte import NearObjectModel, name_model
from engine.renderers.scene.people import Person, find_people
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.places import Need, find_places
from engine.renderers.scene.sky import Sky, find_sky
from engine.verdicts import Face, PhotoFacts

LONG_SIDE = 320
"""Pixels of the pictures that analysis works on; masks are refined along the photo's edges afterwards."""

SMALLEST_NEAR, LARGEST_NEAR = 0.015, 0.75
"""Share of the clip that a near object covers; outside it is noise, or everything."""

SURE_NEAR = 0.6
"""How sure the matte must be of what it calls near, on average; a torn matte would show as an outline."""

MOSTLY = 0.8
"""Share of a photo from which the crop shows mostly all of it, wherever it lies."""

SURE_STEPS = 50
"""A glance is no surer of the subject's place than a fiftieth of a side."""

SCRAP_FROM, SMALLEST_PIECE = 0.2, 0.08
"""How sure the matte must be for a pixel to belong to a piece; share of the largest piece of one that counts."""

CLOSEST = 0.14
"""How much of the near layer's width a move takes away: 1 - 1 / 1.16."""

BIG_FACE = 0.01
"""Share of the clip from which a face says that this is a portrait, whose backdrop is seldom a sky."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Maps are (height, width) at analysis size, 0..1. `depth` is 0 far and 1 near, without the near object.

    `near_depth` is that of the near object. `focus` is in shares of the
    clip's sides. `near_parts` says that the near object may be moved as a layer of its own. `places` holds
    what was looked for. `horizon` is its row in shares of the height, and how sure that is. `people` are those whom
    effects may move.
    """

    near: Map
    near_parts: bool
    sky: Sky
    depth: Map
    near_depth: float
    focus: tuple[float, float]
    portrait: bool
    places: Mapping[Need, Map]
    horizon: tuple[float, float]
    daylight: Daylight
    people: tuple[Person, ...] = ()

    def has(self, need: Need) -> bool:
        return need in self.places and bool(self.places[need].any())

    def place(self, need: Need) -> Map:
        """Where it is; all zero where it was not found, or not looked for."""
        return self.places[need] if need in self.places else np.zeros_like(self.near)


@dataclass(frozen=True, slots=True)
class View:
    """The photo as the clip shows it, what was read in it, and which trained models had a say."""

    pixels: RGB
    framing: Framing
    reading: Reading
    models: tuple[TrainedModel, ...] = ()


def read_photo(
    pixels: RGB,
    facts: PhotoFacts,
    *,
    clip_format: ClipFormat,
    model: NearObjectModel,
    aids: Aids | None = None,
    needs: Iterable[Need] = (),
    face_model: LandmarkModel | None = None,
) -> View:
    """Frame the photo around its subject, then read the part that is shown; landmarks where there is a model."""
    framing = _frame(pixels, facts, clip_format, model)
    shown = framing.crop(pixels)
    seen = _look(shown, model, aids or Aids(), _place_faces(facts.faces, framing))
    small = to_long_side(
        shown, LONG_SIDE
    )  # of the photo: what is seen in it does not depend on the clip's size
    reading = _read(small, seen, facts, framing, needs)
    view = View(pixels=framing.cut(pixels), framing=framing, reading=reading, models=seen.models)
    return replace(view, reading=replace(reading, people=_find_people(view, facts.faces, face_model)))


def _find_people(view: View, faces: tuple[Face, ...], model: LandmarkModel | None) -> tuple[Person, ...]:
    near = view.reading.near if view.reading.near_parts else None
    return find_people(view.pixels, faces, view.framing, near=near, model=model)


def _frame(pixels: RGB, facts: PhotoFacts, clip_format: ClipFormat, model: NearObjectModel) -> Framing:
    """A first glance for the subject costs something; where little is cut off, or faces say it, there is none."""
    height, width = pixels.shape[:2]
    subject = _find_middle_of_faces(facts.faces, width=width, height=height)
    framing = choose_framing(
        width=width, height=height, subject=subject or (0.5, 0.5), clip_format=clip_format
    )
    if subject or framing.crop_width * framing.crop_height > MOSTLY * width * height:
        return framing
    found = model.find(pixels, area=matte.GLANCE)
    x, y = _middle(found) if (found > 0.5).mean() > SMALLEST_NEAR else (0.5, 0.5)
    subject = round(x * SURE_STEPS) / SURE_STEPS, round(y * SURE_STEPS) / SURE_STEPS
    return choose_framing(width=width, height=height, subject=subject, clip_format=clip_format)


def _find_middle_of_faces(faces: tuple[Face, ...], *, width: int, height: int) -> tuple[float, float] | None:
    """Large ones count more."""
    if not faces:
        return None
    weights = np.array([face.width * face.height for face in faces])
    across = np.array([face.x + face.width / 2 for face in faces]) / width
    down = np.array([face.y + face.height / 2 for face in faces]) / height
    return float(np.average(across, weights=weights)), float(np.average(down, weights=weights))


def _place_faces(faces: tuple[Face, ...], framing: Framing) -> list[tuple[float, float]]:
    return [framing.place(face.x + face.width / 2, face.y + face.height / 2) for face in faces]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the models say of the part that is shown; sizes are theirs."""

    near: Map
    depth: Map | None
    models: tuple[TrainedModel, ...]


def _look(shown: RGB, model: NearObjectModel, aids: Aids, faces: list[tuple[float, float]]) -> _Seen:
    """People whom the matte left out are near too."""
    near, names = model.find(shown), [matte.MODEL]
    if faces and aids.person:
        people = aids.person.find(shown, faces)
        if people.any():
            near = np.maximum(near, resize_map(people, near.shape[1], near.shape[0]))
            names += [person_matte.choose(shown)]
    if aids.depth:
        names += [depths.MODEL]
    return _Seen(near, aids.depth.find(shown) if aids.depth else None, tuple(map(name_model, names)))


def _middle(near: Map) -> tuple[float, float]:
    moments = cv2.moments(near.astype(np.float32))
    height, width = near.shape
    return moments["m10"] / moments["m00"] / width, moments["m01"] / moments["m00"] / height


def _read(small: RGB, seen: _Seen, facts: PhotoFacts, framing: Framing, needs: Iterable[Need]) -> Reading:
    height, width = small.shape[:2]
    near = _without_scraps(np.clip(resize_map(seen.near, width, height), 0, 1))
    sky = find_sky(small).without(near)
    whole, horizon = _is_whole(near), depths.find_horizon(sky)
    ground = depths.rise_to_horizon(horizon[0], height, width)
    biggest = max((_share_of(face, framing) for face in facts.faces), default=0.0)
    return Reading(
        near=near,
        near_parts=whole,
        sky=sky,
        depth=depths.find_far_depth(small, ground, sky, near, seen=seen.depth, apart=whole),
        near_depth=depths.find_near_depth(near, ground),
        focus=_find_focus(near, facts.faces, framing),
        portrait=biggest > BIG_FACE,
        places=find_places(needs, small, sky, near),
        horizon=horizon,
        daylight=read_daylight(small, sky),
    )


def _without_scraps(near: Map) -> Map:
    """Pieces that are small beside the largest are bits of something that is far: the tip of a mast would fly off it."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((near > SCRAP_FROM).astype(np.uint8))
    if count < 3:
        return near
    areas = stats[:, cv2.CC_STAT_AREA]
    scraps = [number for number in range(1, count) if areas[number] < SMALLEST_PIECE * areas[1:].max()]
    return np.where(np.isin(parts, scraps), 0, near).astype(near.dtype)


def _is_whole(near: Map) -> bool:
    core = near > 0.5
    return SMALLEST_NEAR < core.mean() < LARGEST_NEAR and float(near[near > 0.2].mean()) > SURE_NEAR


def _find_focus(near: Map, faces: tuple[Face, ...], framing: Framing) -> tuple[float, float]:
    """What the camera moves towards: between the picture's middle and the largest face or the near object.

    Not so far off that moving in would cut off a near object that is whole.
    """
    x, y = (0.5 + 0.6 * (place - 0.5) for place in _find_heart(near, faces, framing))
    rows, columns = np.flatnonzero((near > 0.5).any(1)), np.flatnonzero((near > 0.5).any(0))
    height, width = near.shape
    return _keep_whole(x, columns / width), _keep_whole(y, rows / height)


def _find_heart(near: Map, faces: tuple[Face, ...], framing: Framing) -> tuple[float, float]:
    if faces:
        face = max(faces, key=lambda face: face.width * face.height)
        x, y = framing.place(face.x + face.width / 2, face.y + face.height / 2)
        return min(1.0, max(0.0, x)), min(1.0, max(0.0, y))
    return _middle(near) if (near > 0.5).mean() > SMALLEST_NEAR else (0.5, 0.5)


def _keep_whole(focus: float, covered: Map) -> float:
    """`covered` are the shares along one axis where the near object is; a side that touches the frame is cut anyway."""
    if not len(covered):
        return focus
    low, high = float(covered[0]), float(covered[-1])
    at_most = low / CLOSEST if low > 0.02 else 1.0
    at_least = 1 - (1 - high) / CLOSEST if high < 0.97 else 0.0
    return min(max(focus, at_least), at_most) if at_least <= at_most else focus


def _share_of(face: Face, framing: Framing) -> float:
    return face.width * face.height / (framing.crop_width * framing.crop_height)
