"""Moves the near layer: as one plane, which is cheap; by a finer warp there where something in it moves by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Plane
from engine.renderers.scene.camera import Camera, Pose
from engine.renderers.scene.layers import NearLayer
from engine.renderers.scene.picture import Picture, blend
from engine.renderers.scene.warp import STEP, Grid, Region, Shift, Warp, move_flat, move_flat_half

AT_REST = 0.05
"""Pixels: what moves by less stands still."""

MOSTLY = 0.6
"""Share of the layer from which all of it is bent: bending twice as much costs less than to move it flat first."""


@dataclass(frozen=True, slots=True)
class NearMover:
    """One clip's near layer at its depth, under one camera."""

    layer: NearLayer
    depth: float
    camera: Camera
    grid: Grid

    def trim(self, share: float) -> NearMover:
        """The same, cut closer to the object by this share of its soft rim."""
        trimmed = cv2.addWeighted(self.layer.half_cover, 1 - share, self.layer.tight, share, 0)
        return replace(self, layer=replace(self.layer, half_cover=np.asarray(trimmed, np.uint8)))

    def lay(self, below: Picture, photo: Picture, pose: Pose, shifts: Sequence[Shift]) -> None:
        """Lay what `photo` shows of the near object over `below`, in place."""
        shift = _add(shifts)
        rim = float(np.abs(shift).max()) if shift else 0.0
        region = self._place(pose, self.layer.box, rim=rim)
        above, cover = self._move(photo, pose, region, shift, rim)
        _lay(below, above, cover, region)

    def _move(
        self, photo: Picture, pose: Pose, region: Region, shift: Shift | None, rim: float
    ) -> tuple[Picture, Picture]:
        """The photo and the layer's cover, as they are seen in the region."""
        if shift is None:
            return self._move_flat(photo, pose, region)
        bent = self._place(pose, _moving_box(shift), rim=rim).common(region)
        if bent.size > MOSTLY * region.size:
            return self._bend(photo, pose, shift, region)
        above, cover = self._move_flat(photo, pose, region)
        if bent.size:
            place = bent.within(region)
            for whole, piece in zip((above, cover), self._bend(photo, pose, shift, bent), strict=True):
                whole.y[place.full], whole.uv[place.half] = piece.y, piece.uv
        return above, cover

    def _place(self, pose: Pose, box: tuple[float, float, float, float], *, rim: float = 0.0) -> Region:
        """Where a box of the photo is now; `rim` is how far things may have gone out of it by themselves."""
        left, top, right, bottom = box
        corners = np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
        x, y = self.camera.place(pose, *corners, depth=self.depth)
        return Region.around(x, y, width=self.grid.width, height=self.grid.height, rim=rim)

    def _move_flat(self, photo: Picture, pose: Pose, region: Region) -> tuple[Picture, Picture]:
        matrix = self.camera.look_flat(pose, self.depth)
        half = move_flat_half(self.layer.half_cover, matrix, region)
        return move_flat(photo, matrix, region), _stretch(half, region)

    def _bend(self, photo: Picture, pose: Pose, shift: Shift, region: Region) -> tuple[Picture, Picture]:
        warp = Warp(self.grid, *self.camera.look(pose, self.grid.x, self.grid.y, self.depth))
        warp.carry(shift)
        sources = warp.look_up(region)
        return sources.move(photo), _stretch(sources.move_half(self.layer.half_cover), region)


def _stretch(half: Plane, region: Region) -> Picture:
    """The cover is soft, so that its half-size plane, stretched, serves for full size too."""
    full = cv2.resize(half, (region.right - region.left, region.bottom - region.top))
    return Picture(np.asarray(full, np.uint8), np.asarray(cv2.merge([half, half]), np.uint8))


def _add(shifts: Sequence[Shift]) -> Shift | None:
    """None where nothing moves by enough to be seen."""
    if not shifts:
        return None
    total = Shift(*np.sum(shifts, axis=0))
    return total if np.abs(total).max() > AT_REST else None


def _moving_box(shift: Shift) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is not at rest, in pixels; nodes lie STEP apart, the first outside the frame."""
    moving = np.maximum(np.abs(shift.x), np.abs(shift.y)) > AT_REST
    (top, bottom), (left, right) = _span(np.any(moving, axis=1)), _span(np.any(moving, axis=0))
    return left, top, right, bottom


def _span(moving: NDArray[np.bool_]) -> tuple[float, float]:
    nodes = np.flatnonzero(moving)
    return float(nodes[0] - 1) * STEP, float(nodes[-1] + 1) * STEP


def _lay(below: Picture, above: Picture, cover: Picture, region: Region) -> None:
    """In place; `above` and `cover` have the region's size."""
    below.y[region.full] = blend(below.y[region.full], above.y, cover.y)
    below.uv[region.half] = blend(below.uv[region.half], above.uv, cover.uv)
