"""Closes an eye: the skin between the fold and the lashes comes down over it, the eye itself stays as it is."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from engine.media.clip import Plane
from engine.renderers.scene.eyes import Eye
from engine.renderers.scene.patch import Patch
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.warp import Region

LASHES = 0.45
"""Of the open eye's height: how much above the lid's edge moves along unstretched; lashes are not to grow."""
MARGIN = 0.16
"""Of the open eye's height, above the edge: here the photo shows some of the eye where the landmarks are a pixel low."""
ALONG = (-0.24, -0.12, 0.0, 0.12, 0.24)
"""Of half the eye's width: the edge is the mean of these neighbours, so that no piece of the iris comes along."""
OVERLAP = 0.06
"""Of the open eye's height: how far a closed lid goes below the edge of the lower one."""
BEYOND = 1.2
"""Of half the eye's width: where the skin stands still again."""


class _Place(NamedTuple):
    """The pixels of one plane around an eye, and the lids there; all in full-size pixels.

    `scale` is 2 for chroma, of which a pixel n lies at 2n + 0.5.
    """

    scale: int
    along: Map
    depth: Map
    x: Map
    y: Map
    upper: Map
    gap: Map
    fold: Map
    band: Map


class Lid:
    """One eye's lid over one photo."""

    def __init__(self, photo: Picture, eye: Eye) -> None:
        self._photo, self._eye = photo, eye
        height, width = photo.y.shape
        reach = np.array([-1.4, 1.4], np.float32) * eye.half_width
        self.region = Region.around(eye.middle[0] + reach, eye.middle[1] + reach, width=width, height=height)
        self._full, self._half = self._survey(1), self._survey(2)

    def close(self, share: float) -> Patch:
        """`share` is 0 for open, 1 for closed."""
        return Patch(
            self.region,
            Picture(
                self._draw(self._photo.y, self._full, share), self._draw(self._photo.uv, self._half, share)
            ),
        )

    def _survey(self, scale: int) -> _Place:
        region, eye = self.region, self._eye
        shift = (scale - 1) / 2
        across = np.arange(region.left // scale, region.right // scale, dtype=np.float32) * scale + shift
        down = np.arange(region.top // scale, region.bottom // scale, dtype=np.float32) * scale + shift
        x, y = np.meshgrid(across, down)
        along, depth = eye.place(x, y)
        along = along / eye.half_width
        inner = np.clip(along, -1, 1)
        taper = np.clip((BEYOND - np.abs(along)) / 0.3, 0, 1)
        taper = taper * taper * (3 - 2 * taper)
        upper = np.polyval(eye.upper, inner)
        gap = (np.maximum(np.polyval(eye.lower, inner) - upper, 0) + OVERLAP * eye.opening) * taper
        fold = np.minimum(np.polyval(eye.fold, inner), upper - 0.6 * eye.opening)
        return _Place(scale, along, depth, x, y, upper, gap, fold, LASHES * eye.opening * taper)

    def _draw(self, plane: Plane, place: _Place, share: float) -> Plane:
        region, scale = self.region, place.scale
        old = plane[
            region.top // scale : region.bottom // scale, region.left // scale : region.right // scale
        ]
        edge = place.upper + share * place.gap
        skin = self._sample(plane, place, self._source(place, edge), 0.0)
        margin = np.mean([self._sample(plane, place, place.depth - share * place.gap, by) for by in ALONG], 0)
        blended = _mix(skin, margin, _ramp(place.depth - edge, MARGIN * self._eye.opening))
        cover = np.clip((edge - place.depth) / (1.2 * scale) + 0.5, 0, 1) * (place.depth > place.fold)
        return np.rint(np.clip(_mix(old.astype(np.float32), blended, cover), 0, 255)).astype(np.uint8)

    @staticmethod
    def _source(place: _Place, edge: Map) -> Map:
        """The depth from which each pixel's skin comes: as it was above the fold, stretched below, the lashes rigid."""
        short = place.upper - place.band - place.fold
        long = edge - place.band - place.fold
        share = np.clip((place.depth - place.fold) / long, 0, 1)
        start = np.minimum(long / short, 1.4)  # without stretch at the fold, so that nobody sees a seam
        stretched = place.fold + (start * share + (1 - start) * share * share) * short
        rigid = place.depth - (edge - place.upper)
        return np.where(place.depth < edge - place.band, stretched, rigid)

    def _sample(self, plane: Plane, place: _Place, depth: Map, by: float) -> Map:
        """The plane `by` further along the lid, at `depth` from the corners' line."""
        along = np.clip(place.along + by, -1, 1) - np.clip(place.along, -1, 1)
        risen = np.polyval(self._eye.upper, np.clip(place.along + by, -1, 1)) - place.upper if by else 0.0
        way_x, way_y = along * self._eye.half_width, depth + risen - place.depth
        eye, scale = self._eye, place.scale
        x = place.x + way_x * eye.across[0] + way_y * eye.down[0]
        y = place.y + way_x * eye.across[1] + way_y * eye.down[1]
        shift = (scale - 1) / 2
        x, y = ((axis - shift) / scale for axis in (x, y))
        moved = cv2.remap(
            plane,
            x.astype(np.float32),
            y.astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(moved, np.float32)


def _ramp(below: Map, height: float) -> Map:
    """0 from `height` above the edge up, 1 at the edge and below it."""
    return np.asarray(np.clip(1 + below / height, 0, 1), np.float32)


def _mix(below: Map, above: Map, cover: Map) -> Map:
    cover = cover[..., None] if below.ndim == 3 else cover
    return np.asarray(below + cover * (above - below), np.float32)
