"""What the near object hides: goes on smoothly from around it, with the grain of what is beside it.

Only a rim of it is ever seen, where near and far move apart; what shows there is an edge in colour, and a lack of grain. Where a painter is present, it draws what could be there.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.renderers.scene.filters import blur, fill_gaps, resize_map
from engine.renderers.scene.picture import RGB, Map

ROUNDS = 24
"""Of averaging inside the hole, at a quarter and at half of the size: what joins within some 20 pixels of its edge."""

GRAIN = 2.5
"""Sigma, in pixels of half the size, below which a pattern is grain, and mirrored into the hole."""

DEEP = 24
"""Pixels of half the size from the edge, after which the grain fades: farther in nothing is ever seen."""


class Draws(Protocol):
    """See `painter.Painter`."""

    def draw(self, pixels: RGB, hole: NDArray[np.bool_]) -> RGB: ...

    def find_faces(self, drawn: RGB, hole: NDArray[np.bool_]) -> NDArray[np.bool_]: ...


def fill_behind(pixels: RGB, core: Plane, *, painter: Draws | None = None) -> RGB:
    """`pixels` with what `core` (0 or 1) covers filled in, at half size; unchanged elsewhere."""
    height, width = core.shape
    half = (width // 2, height // 2)
    small = np.asarray(cv2.resize(pixels, half, interpolation=cv2.INTER_AREA), np.uint8)
    hole = cv2.resize(core * 255, half, interpolation=cv2.INTER_AREA) > 0
    if painter is not None:
        filled = _draw(painter, small, hole)
    else:
        known = small.astype(np.float32)
        filled = span_hole(known, hole) + _mirror_grain(known, hole)
    whole = resize_map(np.clip(filled, 0, 255), width, height)
    return np.where(core[..., None] > 0, whole, pixels).astype(np.uint8)


def _draw(painter: Draws, small: RGB, hole: NDArray[np.bool_]) -> Map:
    drawn = painter.draw(small, hole)
    faces = painter.find_faces(drawn, hole)
    known = drawn.astype(np.float32)
    return span_hole(known, faces) if faces.any() else known


def span_hole(small: Map, hole: NDArray[np.bool_]) -> Map:
    """A soap film over the hole, (height, width, 3): push-pull far inside, without a step at the edge."""
    height, width = hole.shape
    known = (~hole).astype(np.float32)
    coarse_size = (max(2, width // 2), max(2, height // 2))
    start = fill_gaps(small, known)
    coarse = cv2.resize(start, coarse_size, interpolation=cv2.INTER_AREA)
    coarse_hole = cv2.resize(hole.astype(np.uint8), coarse_size, interpolation=cv2.INTER_NEAREST)
    film = resize_map(
        _relax(np.asarray(coarse, np.float32), np.asarray(coarse_hole, np.uint8)), width, height
    )
    return _relax(np.where(hole[..., None], film, small), hole.astype(np.uint8))


def _relax(values: Map, hole: Plane) -> Map:
    """In the hole each pixel becomes the mean of those around it, again and again."""
    values = np.ascontiguousarray(values, np.float32)
    for _ in range(ROUNDS):
        cv2.copyTo(cv2.blur(values, (3, 3)), hole, values)
    return values


def _mirror_grain(small: Map, hole: NDArray[np.bool_]) -> Map:
    """What the soap film lacks, from as far outside the hole's edge as each place is inside; nothing from the hole."""
    known = (~hole).astype(np.float32)
    usual = blur(small * known[..., None], GRAIN) / np.maximum(blur(known, GRAIN), 1e-3)[..., None]
    grain = (small - usual) * known[..., None]
    away, labels = cv2.distanceTransformWithLabels(
        hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    edge = np.zeros(int(labels.max()) + 1, np.int64)
    edge[labels[~hole]] = np.flatnonzero(~hole)
    edge_y, edge_x = np.divmod(edge[labels], hole.shape[1])
    rows, columns = np.mgrid[0 : hole.shape[0], 0 : hole.shape[1]]
    from_x, from_y = (2 * edge_x - columns).astype(np.float32), (2 * edge_y - rows).astype(np.float32)
    mirrored = cv2.remap(grain, from_x, from_y, cv2.INTER_NEAREST, None, cv2.BORDER_REFLECT_101)
    shown = np.clip(2 - away / DEEP, 0, 1) * hole
    return np.asarray(mirrored * shown[..., None], np.float32)
