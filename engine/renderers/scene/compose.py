"""Puts a frame together: warp the background, paint what is behind, lay the near object over it, paint, light.

All movement is a displacement on a coarse grid (one node every 8 pixels), stretched to full size and applied with
one `remap` a plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from engine.media.clip import Frame
from engine.renderers.scene.camera import Camera, Pose
from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.layers import Layers, NearLayer
from engine.renderers.scene.light import Light
from engine.renderers.scene.patch import Canvas, Patch
from engine.renderers.scene.picture import Picture, blend
from engine.renderers.scene.stage import Moment, Stage
from engine.renderers.scene.warp import Grid, Region, Shift, Sources, Warp, move_flat


class Composer:
    """One clip's frames. `speed` multiplies the effects' time; where it `loops`, the last frame leads to the first."""

    def __init__(
        self,
        stage: Stage,
        layers: Layers,
        camera: Camera,
        effects: Sequence[Effect],
        *,
        speed: float = 1.0,
        loops: bool = False,
    ) -> None:
        self._stage, self._layers, self._camera, self._effects = stage, layers, camera, effects
        self._speed, self._loops = speed, loops
        self._grid = Grid(stage.width, stage.height)
        self._depth = self._grid.sample(stage.reading.depth)
        self._photo, self._background = Canvas(layers.photo), Canvas(layers.background)

    def frames(self, count: int) -> Iterator[Frame]:
        last = count if self._loops else count - 1
        for number in range(count):
            yield self.compose(number / max(1, last)).to_frame()

    def compose(self, share: float) -> Picture:
        """The picture when `share` (0..1) of the clip has passed."""
        moment = self._moment(share)
        patches: list[Patch] = []
        for effect in self._effects:
            effect.retouch(moment, patches)
        picture = self._move_background(moment, self._background.show(self._far(patches)))
        for effect in self._effects:
            effect.paint_behind(moment, picture)
        picture = self._lay_near(moment, picture, self._photo.show(patches))
        for effect in self._effects:
            effect.paint_before(moment, picture)
        picture = self._light(moment, picture)
        for effect in self._effects:
            effect.shine(moment, picture)
        return picture

    def _moment(self, share: float) -> Moment:
        seconds = self._stage.seconds
        reached = (1 - math.cos(2 * math.pi * share)) / 2 if self._loops else share
        return Moment(
            share=reached,
            second=reached * seconds * self._speed,
            onward=share * seconds * self._speed,
            lasts=seconds * self._speed,
            seconds=seconds,
            loops=self._loops,
            camera=self._camera,
            pose=self._camera.pose(reached, reached * seconds),
        )

    def _far(self, patches: list[Patch]) -> list[Patch]:
        """Those that no near object hides: behind it, the background is a fill."""
        near = self._layers.near
        return [patch for patch in patches if near is None or not near.cover.y[patch.region.full].any()]

    def _move_background(self, moment: Moment, background: Picture) -> Picture:
        from_x, from_y = self._camera.look(moment.pose, self._grid.x, self._grid.y, self._depth)
        warp = Warp(self._grid, from_x, from_y)
        for effect in self._effects:
            effect.bend(moment, warp)
        return warp.apply(background)

    def _lay_near(self, moment: Moment, picture: Picture, photo: Picture) -> Picture:
        """As one plane, which is cheap, unless something in it moves by itself."""
        near, depth = self._layers.near, self._stage.reading.near_depth
        if near is None:
            return picture
        shifts: list[Shift] = []
        for effect in self._effects:
            effect.bend_near(moment, shifts)
        rim = sum(float(max(np.abs(shift.x).max(), np.abs(shift.y).max())) for shift in shifts)
        region = self._find_region(moment.pose, near, depth, rim)
        if shifts:
            sources = self._bend_near(moment, shifts, region)
            above, cover = sources.move(photo), sources.move(near.cover)
        else:
            matrix = self._camera.look_flat(moment.pose, depth)
            above, cover = move_flat(photo, matrix, region), move_flat(near.cover, matrix, region)
        _lay(picture, above, cover, region)
        return picture

    def _bend_near(self, moment: Moment, shifts: list[Shift], region: Region) -> Sources:
        depth = self._stage.reading.near_depth
        warp = Warp(self._grid, *self._camera.look(moment.pose, self._grid.x, self._grid.y, depth))
        for shift in shifts:
            warp.carry(shift)
        return warp.look_up(region)

    def _find_region(self, pose: Pose, near: NearLayer, depth: float, rim: float) -> Region:
        """Where the near object is now; `rim` is how far its parts may have gone by themselves."""
        left, top, right, bottom = (float(side) for side in near.box)
        corners = np.array([left, right, left, right]), np.array([top, top, bottom, bottom])
        x, y = self._camera.place(pose, *corners, depth=depth)
        return Region.around(x, y, width=self._stage.width, height=self._stage.height, rim=rim)

    def _light(self, moment: Moment, picture: Picture) -> Picture:
        light = Light(self._stage.width, self._stage.height)
        for effect in self._effects:
            effect.light(moment, light)
        return light.apply(picture)


def _lay(below: Picture, above: Picture, cover: Picture, region: Region) -> None:
    """In place; `above` and `cover` have the region's size."""
    below.y[region.full] = blend(below.y[region.full], above.y, cover.y)
    below.uv[region.half] = blend(below.uv[region.half], above.uv, cover.uv)
