"""Puts a frame together: warp the background, paint what is behind, lay the near object over it, paint, light.

All movement is a displacement on a coarse grid (one node every 8 pixels), stretched to full size and applied with
one `remap` a plane.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.media.clip import Frame
from engine.renderers.scene.camera import Camera, Pose
from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.layers import Layers, NearLayer
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Picture, blend
from engine.renderers.scene.stage import Moment, Stage
from engine.renderers.scene.warp import Grid, Region, Warp, move_flat


class Composer:
    """One clip's frames. `speed` multiplies the effects' time."""

    def __init__(
        self, stage: Stage, layers: Layers, camera: Camera, effects: Sequence[Effect], *, speed: float = 1.0
    ) -> None:
        self._stage, self._layers, self._camera, self._effects, self._speed = (
            stage,
            layers,
            camera,
            effects,
            speed,
        )
        self._grid = Grid(stage.width, stage.height)
        self._depth = self._grid.sample(stage.reading.depth)

    def frames(self, count: int) -> Iterator[Frame]:
        for number in range(count):
            yield self.compose(number / max(1, count - 1)).to_frame()

    def compose(self, share: float) -> Picture:
        """The picture when `share` (0..1) of the clip has passed."""
        moment = self._moment(share)
        picture = self._move_background(moment)
        for effect in self._effects:
            effect.paint_behind(moment, picture)
        picture = self._lay_near(moment, picture)
        for effect in self._effects:
            effect.paint_before(moment, picture)
        picture = self._light(moment, picture)
        for effect in self._effects:
            effect.shine(moment, picture)
        return picture

    def _moment(self, share: float) -> Moment:
        second = share * self._stage.seconds
        return Moment(
            share=share,
            second=second * self._speed,
            seconds=self._stage.seconds,
            camera=self._camera,
            pose=self._camera.pose(share, second),
        )

    def _move_background(self, moment: Moment) -> Picture:
        from_x, from_y = self._camera.look(moment.pose, self._grid.x, self._grid.y, self._depth)
        warp = Warp(self._grid, from_x, from_y)
        for effect in self._effects:
            effect.bend(moment, warp)
        return warp.apply(self._layers.background)

    def _lay_near(self, moment: Moment, picture: Picture) -> Picture:
        near, depth = self._layers.near, self._stage.reading.near_depth
        if near is None:
            return picture
        region = self._find_region(moment.pose, near, depth)
        matrix = self._camera.look_flat(moment.pose, depth)
        _lay(
            picture,
            move_flat(self._layers.photo, matrix, region),
            move_flat(near.cover, matrix, region),
            region,
        )
        return picture

    def _find_region(self, pose: Pose, near: NearLayer, depth: float) -> Region:
        """Where the near object is now."""
        left, top, right, bottom = (float(side) for side in near.box)
        corners = np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
        x, y = self._camera.place(pose, *corners, depth=depth)
        return Region.around(x, y, width=self._stage.width, height=self._stage.height)

    def _light(self, moment: Moment, picture: Picture) -> Picture:
        light = Light(self._stage.width, self._stage.height)
        for effect in self._effects:
            effect.light(moment, light)
        return light.apply(picture)


def _lay(below: Picture, above: Picture, cover: Picture, region: Region) -> None:
    """In place; `above` and `cover` have the region's size."""
    below.y[region.full] = blend(below.y[region.full], above.y, cover.y)
    below.uv[region.half] = blend(below.uv[region.half], above.uv, cover.uv)
