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
ALONG = np.array([-2, -1, 0, 1, 2])
EDGE, SKIN = 0.12, 0.05
"""Of half the eye's width, times ALONG: neighbours whose mean is taken, of the edge so that no piece of the iris comes
along, of stretched skin so that it has no streaks."""
OVERLAP = 0.06
"""Of the open eye's height: how far a closed lid goes below the edge of the lower one."""
BEYOND = 1.2
"""Of half the eye's width: where the skin stands still again."""


class _Place(NamedTuple):
    """The pixels of one plane around an eye, and the lids there; all in full-size pixels.

    `scale` is 2 for chroma, of which a pixel n lies at 2n + 0.5. `edging` and `skin` are the plane smoothed along the lid.
    """

    plane: Plane
    edging: Map
    skin: Map
    scale: int
    x: Map
    y: Map
    depth: Map
    upper: Map
    gap: Map
    fold: Map
    band: Map


class Lid:
    """One eye's lid over one photo."""

    def __init__(self, photo: Picture, eye: Eye) -> None:
        self._eye = eye
        height, width = photo.y.shape
        self.region = Region.around(*_outline(eye), width=width, height=height)
        self._full = self._survey(photo.y[self.region.full], 1)
        self._half = self._survey(photo.uv[self.region.half], 2)

    def close(self, share: float) -> Patch:
        """`share` is 0 for open, 1 for closed."""
        return Patch(self.region, Picture(self._draw(self._full, share), self._draw(self._half, share)))

    def _survey(self, plane: Plane, scale: int) -> _Place:
        region, eye = self.region, self._eye
        columns, rows = np.arange(plane.shape[1]), np.arange(plane.shape[0])
        shift = (scale - 1) / 2
        x, y = np.meshgrid(columns * scale + shift + region.left, rows * scale + shift + region.top)
        across, depth = eye.place(x.astype(np.float32), y.astype(np.float32))
        along = across / eye.half_width
        inner = np.clip(along, -1, 1)
        taper = np.clip((BEYOND - np.abs(along)) / 0.3, 0, 1)
        taper = taper * taper * (3 - 2 * taper)
        upper = np.polyval(eye.upper, inner)
        gap = (np.maximum(np.polyval(eye.lower, inner) - upper, 0) + OVERLAP * eye.opening) * taper
        fold = np.minimum(np.polyval(eye.fold, inner), upper - 0.6 * eye.opening)
        band = LASHES * eye.opening * taper
        still = plane.astype(np.float32)
        place = _Place(plane, still, still, scale, x, y, depth, upper, gap, fold, band)
        above = np.clip((upper - band - depth) / (0.3 * eye.opening), 0, 1)
        skin = _mix(still, self._smooth_along(place, inner, SKIN), above)
        return place._replace(edging=self._smooth_along(place, inner, EDGE), skin=skin)

    def _smooth_along(self, place: _Place, inner: Map, step: float) -> Map:
        """The mean of neighbours at the same distance from the lid's edge."""
        total = np.zeros_like(place.edging)
        for by in step * ALONG:
            moved = np.clip(inner + by, -1, 1)
            risen = np.polyval(self._eye.upper, moved) - place.upper
            total += self._sample(place, place.edging, (moved - inner) * self._eye.half_width, risen)
        return total / len(ALONG)

    def _draw(self, place: _Place, share: float) -> Plane:
        edge = place.upper + share * place.gap
        way = self._find_source(place, edge) - place.depth
        skin, stretched = (self._sample(place, plane, 0.0, way) for plane in (place.plane, place.skin))
        skin += share * (stretched - skin)
        edging = self._sample(place, place.edging, 0.0, -share * place.gap)
        lid = _mix(skin, edging, np.clip(1 + (place.depth - edge) / (MARGIN * self._eye.opening), 0, 1))
        cover = np.clip((edge - place.depth) / (1.2 * place.scale) + 0.5, 0, 1) * (place.depth > place.fold)
        return np.rint(np.clip(_mix(place.plane.astype(np.float32), lid, cover), 0, 255)).astype(np.uint8)

    @staticmethod
    def _find_source(place: _Place, edge: Map) -> Map:
        """The depth from which each pixel's skin comes: as it was above the fold, stretched below, the lashes rigid."""
        short = place.upper - place.band - place.fold
        long = edge - place.band - place.fold
        share = np.clip((place.depth - place.fold) / long, 0, 1)
        start = np.minimum(long / short, 1.4)  # without stretch at the fold, so that nobody sees a seam
        stretched = place.fold + (start * share + (1 - start) * share * share) * short
        rigid = place.depth - (edge - place.upper)
        return np.where(place.depth < edge - place.band, stretched, rigid)

    def _sample(self, place: _Place, plane: Plane | Map, across: Map | float, down: Map) -> Map:
        """What lies this far away in the eye's own axes, in full-size pixels."""
        eye, region, scale = self._eye, self.region, place.scale
        x = place.x - region.left + across * eye.across[0] + down * eye.down[0]
        y = place.y - region.top + across * eye.across[1] + down * eye.down[1]
        x, y = (((axis - (scale - 1) / 2) / scale).astype(np.float32) for axis in (x, y))
        moved = cv2.remap(plane, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.float32)


def _outline(eye: Eye) -> tuple[Map, Map]:
    """Points of the clip around all that a lid touches: from above the fold to below the lower edge."""
    along = np.linspace(-BEYOND, BEYOND, 7)
    inner = np.clip(along, -1, 1)
    above = np.minimum(np.polyval(eye.fold, inner), np.polyval(eye.upper, inner) - eye.opening)
    below = np.polyval(eye.lower, inner) + 0.3 * eye.opening
    across, down = np.tile(along, 2) * eye.half_width, np.concatenate([above, below])
    return (
        eye.middle[0] + across * eye.across[0] + down * eye.down[0],
        eye.middle[1] + across * eye.across[1] + down * eye.down[1],
    )


def _mix(below: Map, above: Map, cover: Map) -> Map:
    cover = cover[..., None] if below.ndim == 3 else cover
    return np.asarray(below + cover * (above - below), np.float32)
