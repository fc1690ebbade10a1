"""Reads a photo: what is near, where the sky is, how far each place is, and what the camera should look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from engine.renderers import ClipFormat
from engine.renderers.scene.filters import blur, guide, resize_map, to_long_side, to_luma
from engine.renderers.scene.framing import Framing, choose_framing
from engine.renderers.scene.landmarks import LandmarkModel
from engine.renderers.scene.matte import NearObjectModel
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

CLOSEST = 0.14
"""How much of the near layer's width a move takes away: 1 - 1 / 1.16."""

BIG_FACE = 0.01
"""Share of the clip from which a face says that this is a portrait, whose backdrop is seldom a sky."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Maps are (height, width) at analysis size, 0..1. `depth` is 0 far and 1 near, without the near object.

    `near_depth` is that of the near object. `focus` is in shares of the
    clip's sides. `near_parts` says that the near object may be moved as a layer of its own. `places` holds
    what was looked for. `people` are those whom effects may move.
    """

    near: Map
    near_parts: bool
    sky: Sky
    depth: Map
    near_depth: float
    focus: tuple[float, float]
    portrait: bool
    places: Mapping[Need, Map]
    people: tuple[Person, ...] = ()

    def has(self, need: Need) -> bool:
        return need in self.places and bool(self.places[need].any())

    def place(self, need: Need) -> Map:
        """Where it is; all zero where it was not found, or not looked for."""
        return self.places[need] if need in self.places else np.zeros_like(self.near)


@dataclass(frozen=True, slots=True)
class View:
    """The photo as the clip shows it, and what was read in it."""

    pixels: RGB
    framing: Framing
    reading: Reading


def read_photo(
    pixels: RGB,
    facts: PhotoFacts,
    *,
    clip_format: ClipFormat,
    model: NearObjectModel,
    needs: Iterable[Need] = (),
    face_model: LandmarkModel | None = None,
) -> View:
    """Frame the photo around its subject, then read the part that is shown; landmarks where there is a model."""
    matte = model.find(pixels)
    height, width = pixels.shape[:2]
    subject = _find_subject(matte, facts.faces, width=width, height=height)
    framing = choose_framing(width=width, height=height, subject=subject, clip_format=clip_format)
    shown = framing.crop(pixels)
    if shown.size < 0.8 * pixels.size:
        matte = model.find(shown)  # the same 320 pixels now cover less
    small = to_long_side(
        shown, LONG_SIDE
    )  # of the photo: what is seen in it does not depend on the clip's size
    reading = _read(small, matte, facts, framing, needs)
    view = View(pixels=framing.cut(pixels), framing=framing, reading=reading)
    return replace(view, reading=replace(reading, people=_find_people(view, facts.faces, face_model)))


def _find_people(view: View, faces: tuple[Face, ...], model: LandmarkModel | None) -> tuple[Person, ...]:
    near = view.reading.near if view.reading.near_parts else None
    return find_people(view.pixels, faces, view.framing, near=near, model=model)


def _find_subject(matte: Map, faces: tuple[Face, ...], *, width: int, height: int) -> tuple[float, float]:
    """The middle of the faces, large ones more; else of the near object; else of the photo."""
    if faces:
        weights = np.array([face.width * face.height for face in faces])
        across = np.array([face.x + face.width / 2 for face in faces]) / width
        down = np.array([face.y + face.height / 2 for face in faces]) / height
        return float(np.average(across, weights=weights)), float(np.average(down, weights=weights))
    return _middle(matte) if (matte > 0.5).mean() > SMALLEST_NEAR else (0.5, 0.5)


def _middle(matte: Map) -> tuple[float, float]:
    moments = cv2.moments(matte.astype(np.float32))
    height, width = matte.shape
    return moments["m10"] / moments["m00"] / width, moments["m01"] / moments["m00"] / height


def _read(small: RGB, matte: Map, facts: PhotoFacts, framing: Framing, needs: Iterable[Need]) -> Reading:
    height, width = small.shape[:2]
    near = np.clip(resize_map(matte, width, height), 0, 1)
    sky = find_sky(small).without(near)
    ground = _ground_ramp(sky, height, width)
    depth = _smooth_depth(small, _far_depth(small, ground, near, sky))
    biggest = max((_share_of(face, framing) for face in facts.faces), default=0.0)
    return Reading(
        near=near,
        near_parts=_is_whole(near),
        sky=sky,
        depth=depth,
        near_depth=_near_depth(near, ground),
        focus=_find_focus(near, facts.faces, framing),
        portrait=biggest > BIG_FACE,
        places=find_places(needs, small, sky, near),
    )


def _is_whole(near: Map) -> bool:
    core = near > 0.5
    return SMALLEST_NEAR < core.mean() < LARGEST_NEAR and float(near[near > 0.2].mean()) > SURE_NEAR


def _ground_ramp(sky: Sky, height: int, width: int) -> Map:
    """How near the ground would be at each row: 0 at the horizon, 0.93 at the lower edge."""
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    horizon = _horizon_share(sky)
    ramp = np.clip((rows - horizon) / (1 - horizon), 0, 1) ** 1.2 * 0.85 + 0.08
    return np.repeat(ramp, width, axis=1).astype(np.float32)


def _horizon_share(sky: Sky) -> float:
    columns = sky.mask.any(0)
    if not sky.is_open(asked=True) or not columns.any():
        return 0.05
    lowest = len(sky.mask) - 1 - sky.mask[::-1][:, columns].argmax(0)
    return min(0.75, float(np.percentile(lowest, 80)) / len(sky.mask))


def _far_depth(small: RGB, ground: Map, near: Map, sky: Sky) -> Map:
    """The ground ramp; less where it is blurred (far behind the focus), none in the sky, more where salient."""
    luma = to_luma(small)
    sharp = blur(np.abs(luma - blur(luma, 1)), 8)
    sharp = np.clip(sharp / (np.percentile(sharp, 95) + 1e-4), 0, 1)
    open_sky = sky.mask if sky.is_open(asked=True) else np.zeros_like(sky.mask)
    salient = 0 if _is_whole(near) else 0.3 * near
    return np.asarray(np.clip(ground * (0.75 + 0.25 * sharp) + salient, 0, 1) * (1 - open_sky), np.float32)


def _smooth_depth(small: RGB, depth: Map) -> Map:
    """Along the photo's edges, then soft: a hard step in depth bends straight lines."""
    return blur(np.clip(guide(to_luma(small), depth, 6, 1e-3), 0, 1), 3)


def _near_depth(near: Map, ground: Map) -> float:
    """As near as the ground on which the largest near object stands: the depth at its lowest row."""
    count, _, stats, _ = cv2.connectedComponentsWithStats((near > 0.5).astype(np.uint8))
    if count < 2:
        return 0.8
    largest = stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    foot = largest[cv2.CC_STAT_TOP] + largest[cv2.CC_STAT_HEIGHT] - 1
    return float(np.clip(ground[foot, 0] + 0.04, 0.45, 0.95))


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
