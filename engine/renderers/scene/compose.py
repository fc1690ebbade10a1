"""Puts a frame together: warp the background, paint what is behind, lay the near object over it, paint, light.

All movement is a displacement on a coarse grid (one node every 8 pixels), stretched to full size and applied with
one `remap` a plane.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from engine.media.clip import Frame
from engine.renderers.scene.camera import Camera
from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.layers import Layers
from engine.renderers.scene.light import Light
from engine.renderers.scene.near import NearMover
from engine.renderers.scene.patch import Canvas, Patch
from engine.renderers.scene.picture import Picture
from engine.renderers.scene.stage import Moment, Stage
from engine.renderers.scene.warp import Grid, Shift, Warp


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
        near = layers.near
        self._near = NearMover(near, stage.reading.near_depth, camera, self._grid) if near else None
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
        self._lay_near(moment, picture, self._photo.show(patches))
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
        """Those that the near object does not hide all over."""
        near = self._layers.near
        return [patch for patch in patches if near is None or near.cover[patch.region.full].min() < 255]

    def _move_background(self, moment: Moment, background: Picture) -> Picture:
        from_x, from_y = self._camera.look(moment.pose, self._grid.x, self._grid.y, self._depth)
        warp = Warp(self._grid, from_x, from_y)
        for effect in self._effects:
            effect.bend(moment, warp)
        return warp.apply(background)

    def _lay_near(self, moment: Moment, picture: Picture, photo: Picture) -> None:
        if self._near is None:
            return
        shifts: list[Shift] = []
        for effect in self._effects:
            effect.bend_near(moment, shifts)
        hidden = max((effect.hides(moment) for effect in self._effects), default=0.0)
        near = self._near.trim(hidden) if hidden else self._near
        near.lay(picture, photo, moment.pose, shifts)

    def _light(self, moment: Moment, picture: Picture) -> Picture:
        light = Light(self._stage.width, self._stage.height)
        for effect in self._effects:
            effect.light(moment, light)
        return light.apply(picture)
