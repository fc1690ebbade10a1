"""Parts the photo into a near layer with soft edges, and a background that goes on behind it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.media.clip import Plane
from engine.renderers.scene.analysis import View
from engine.renderers.scene.fill import Draws, fill_behind, span_hole
from engine.renderers.scene.filters import blur, guide, resize_map, to_luma
from engine.renderers.scene.picture import RGB, Map, Picture, to_picture

STRAND = 16.0
"""Steps of a colour, of 255, by which a hair must differ from a calm background."""


@dataclass(frozen=True, slots=True)
class NearLayer:
    """The photo, seen through `cover` (0..255). Frames are made with `half_cover`, which stretched covers as much.

    `tight` (half size) covers the object alone, without the rim of background that lets `cover` end softly. `box` is
    left, top, right, bottom of what it covers.
    """

    cover: Plane
    half_cover: Plane
    tight: Plane
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Layers:
    """At the first frame `near` over `background` is exactly `photo`."""

    photo: Picture
    background: Picture
    near: NearLayer | None


def part(view: View, painter: Draws | None = None) -> Layers:
    """Two layers where the near object is trusted, one otherwise."""
    photo = to_picture(view.pixels)
    if not view.reading.near_parts:
        return Layers(photo=photo, background=photo, near=None)
    soft = _refine(view.pixels, (view.reading.near > 0.45).astype(np.float32))
    core = _find_core(view.pixels, soft)
    near = _feather(core, soft)
    background = to_picture(fill_behind(view.pixels, core, painter=painter))
    return Layers(photo=photo, background=background, near=near)


def _find_core(pixels: RGB, soft: Map) -> Plane:
    """The near object with the rim whose pixels already mix it with the background; 0 or 1, full size."""
    height, width = pixels.shape[:2]
    rim = max(1, round(min(width, height) / 180))
    core = _grow((soft > 0.35).astype(np.uint8), rim)
    return _with_strands(pixels, core)


def _grow(mask: Plane, by: int) -> Plane:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by + 1, 2 * by + 1))
    return np.asarray(cv2.dilate(mask, kernel), np.uint8)


def _with_strands(pixels: RGB, core: Plane) -> Plane:
    """Hair and fur that stick out of the matte: what, close to it, is unlike the background that goes on behind.

    Left in the background they would stay behind as ghosts when the object moves. Found at half size.
    """
    height, width = core.shape
    half = (width // 2, height // 2)
    small = cv2.resize(pixels, half, interpolation=cv2.INTER_AREA).astype(np.float32)
    inner = np.asarray(cv2.resize(core, half, interpolation=cv2.INTER_NEAREST), np.uint8)
    reach = max(2, round(min(half) / 36))
    outer = _grow(inner, reach)
    unlike = np.abs(small - span_hole(small, outer > 0)).max(axis=2)
    beside = (_grow(outer, reach) > 0) & (outer == 0)
    usual = np.abs(small - blur(small, reach / 2)).max(axis=2)
    level = max(STRAND, 3 * float(usual[beside].mean())) if beside.any() else 255.0
    likely = ((unlike > level) & (outer > 0)).astype(np.uint8) | inner
    _, parts = cv2.connectedComponents(likely)
    grown = np.isin(parts, np.unique(parts[inner > 0])).astype(np.uint8) | inner
    grown = _grow(grown, 1) & outer
    return np.maximum(core, cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST))


def _refine(pixels: RGB, mask: Map) -> Map:
    """A small mask along the photo's own edges, at full size."""
    height, width = pixels.shape[:2]
    half = (width // 2, height // 2)
    small = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    coarse = resize_map(mask, *half)
    radius = max(2, round(min(half) / 90))
    fine = (guide(to_luma(small), coarse, radius, 2e-4) - 0.5) * 1.35 + 0.5
    return np.clip(resize_map(fine, width, height), 0, 1)


def _feather(core: Plane, soft: Map) -> NearLayer:
    """Fades outwards, over clean background: inside the core the photo stays as it is.

    Three pixels more are covered wholly, so that the half-size cover, stretched, covers all of the core.
    """
    height, width = core.shape
    away = cv2.distanceTransform(1 - _grow(core, 3), cv2.DIST_L2, 3)
    share = np.clip(1 - away / (min(width, height) / 70), 0, 1)
    cover = np.rint(share * share * (3 - 2 * share) * 255).astype(np.uint8)
    left, top, box_width, box_height = cv2.boundingRect(cover)
    half = np.asarray(cv2.resize(cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    half[cv2.resize(core * 255, (width // 2, height // 2), interpolation=cv2.INTER_AREA) > 0] = (
        255  # as filled
    )
    box = left, top, left + box_width, top + box_height
    return NearLayer(cover=cover, half_cover=half, tight=_cut_close(soft), box=box)


def _cut_close(soft: Map) -> Plane:
    height, width = soft.shape
    full = np.rint(np.clip((soft - 0.3) / 0.5, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.resize(full, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
