"""Parts the photo into a near layer with soft edges, and a background that goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.media.clip import Plane
from engine.renderers.scene.analysis import View
from engine.renderers.scene.filters import fill_gaps, guide, resize_map, to_luma
from engine.renderers.scene.picture import RGB, Map, Picture, to_picture


@dataclass(frozen=True, slots=True)
class NearLayer:
    """The photo, seen through `cover` (0..255, full size, and half size for chroma: twice, for U and V).

    `box` is left, top, right, bottom of what it covers.
    """

    cover: Picture
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layers:
    """At the first frame `near` over `background` is exactly `photo`."""

    photo: Picture
    background: Picture
    near: NearLayer | None


def part(view: View) -> Layers:
    """Two layers where the near object is trusted, one otherwise."""
    photo = to_picture(view.pixels)
    if not view.reading.near_parts:
        return Layers(photo=photo, background=photo, near=None)
    core = _find_core(view)
    near = _feather(core)
    background = to_picture(_fill_behind(view.pixels, core))
    return Layers(photo=photo, background=background, near=near)


def _find_core(view: View) -> Plane:
    """The near object with the rim whose pixels already mix it with the background; 0 or 1, full size."""
    height, width = view.pixels.shape[:2]
    soft = _refine(view.pixels, (view.reading.near > 0.45).astype(np.float32))
    rim = max(1, round(min(width, height) / 180))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1, 2 * rim + 1))
    return np.asarray(cv2.dilate((soft > 0.35).astype(np.uint8), kernel), np.uint8)


def _refine(pixels: RGB, mask: Map) -> Map:
    """A small mask along the photo's own edges, at full size."""
    height, width = pixels.shape[:2]
    half = (width // 2, height // 2)
    small = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = resize_map(mask, *half)
    radius = max(2, round(min(half) / 90))
    fine = (guide(to_luma(small), coarse, radius, 2e-4) - 0.5) * 1.35 + 0.5
    return np.clip(resize_map(fine, width, height), 0, 1)


def _feather(core: Plane) -> NearLayer:
    """Fades outwards, over clean background: inside the core the photo stays as it is."""
    height, width = core.shape
    away = cv2.distanceTransform(1 - core, cv2.DIST_L2, 3)
    share = np.clip(1 - away / (min(width, height) / 70), 0, 1)
    cover = np.rint(share * share * (3 - 2 * share) * 255).astype(np.uint8)
    left, top, box_width, box_height = cv2.boundingRect(cover)
    half = cv2.resize(cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    half[cv2.resize(core * 255, (width // 2, height // 2), interpolation=cv2.INTER_AREA) > 0] = (
        255  # as filled
    )
    both = np.asarray(cv2.merge([half, half]), np.uint8)
    return NearLayer(cover=Picture(cover, both), box=(left, top, left + box_width, top + box_height))


def _fill_behind(pixels: RGB, core: Plane) -> RGB:
    """What the near object hides comes smoothly from around it; only a narrow rim of it is ever seen."""
    height, width = core.shape
    half = (width // 2, height // 2)
    small = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    known = (cv2.resize(core, half, interpolation=cv2.INTER_AREA) == 0).astype(np.float32)
    filled = np.clip(resize_map(fill_gaps(small, known), width, height), 0, 255)
    return np.where(core[..., None] > 0, filled, pixels).astype(np.uint8)
