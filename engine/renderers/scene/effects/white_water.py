"""Waterfalls and rapids: the white flows on along its own streaks, for ever, though there is one picture of it.

Holynski et al. (2021): the picture carried forward by the flow, and carried back by the rest of the period, are blended, so
that each takes over while the other jumps. What the blend takes away of the contrast is given back.
"""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur, make_clouds, resize_map
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import STEP, Grid, Region

PERIOD = 1.0  # seconds; twice as long melts
SPEED = 0.05  # of the short side a second
SMOOTH = 16  # pixels: coarser light stays where it is


class WhiteWater(Effect):
    needs = Need.WHITE_WATER
    sounds = MappingProxyType({"stream": 1.0})

    def prepare(self) -> None:
        stage = self.stage
        self.grid = Grid(stage.width, stage.height)
        mask = stage.reading.place(Need.WHITE_WATER)
        rows, columns = self.grid.x.shape
        inner = cv2.erode(mask, np.ones((3, 3), np.uint8)).astype(np.float32)
        self.cover = blur(self.grid.sample(inner), 0.8)
        flow = _find_flow(stage.shrunk(stage.photo.y.astype(np.float32), 2), mask)
        speed = SPEED * min(stage.width, stage.height) * min(1.0, self.strength) * (0.6 + 0.4 * self.cover)
        self.flow_x, self.flow_y = (speed * self.grid.sample(axis) for axis in flow)
        self.start = resize_map(make_clouds(stage.random("white_water"), 64, slope=1.4), columns, rows) * 2
        near = self.grid.sample(stage.reading.near) if stage.reading.near_parts else np.zeros_like(self.cover)
        depth = self.grid.sample(stage.reading.depth)
        self.depth = np.where(near > 0.5, stage.reading.near_depth, depth).astype(np.float32)

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        shown = moment.fade(0.6)
        if shown == 0:
            return
        cover, flow_x, flow_y, start = self._follow(moment)
        region = self._region(cover)
        if region is None:
            return
        turned = moment.turn(2 * np.pi / PERIOD) / (2 * np.pi)
        share, x, y, cover = (
            self.grid.spread(values.astype(np.float32), region)
            for values in ((turned + start), flow_x * PERIOD, flow_y * PERIOD, cover * shown)
        )
        share = share - np.floor(share)
        across = np.arange(region.left, region.right, dtype=np.float32)[None]
        down = np.arange(region.top, region.bottom, dtype=np.float32)[:, None]
        gone, come = (
            cv2.remap(
                picture.y, across - x * part, down - y * part, cv2.INTER_LINEAR, None, cv2.BORDER_REFLECT_101
            )
            for part in (share, share - 1)
        )
        below = picture.y[region.full]
        level = _coarse(below)
        weight = 1 - share
        mixed = (gone - level) * weight + (come - level) * share
        lively = level + mixed / np.sqrt(weight**2 + share**2)
        below[:] = np.clip(below + cover * (lively - below) + 0.5, 0, 255).astype(np.uint8)

    def _follow(self, moment: Moment) -> list[Map]:
        """The maps where the camera has taken what they describe."""
        from_x, from_y = moment.camera.look(moment.pose, self.grid.x, self.grid.y, self.depth)
        across, down = (((axis + 0.5) / STEP + 0.5).astype(np.float32) for axis in (from_x, from_y))
        return [
            np.asarray(cv2.remap(values, across, down, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE))
            for values in (self.cover, self.flow_x, self.flow_y, self.start)
        ]

    def _region(self, cover: Map) -> Region | None:
        seen = cover > 0.02
        if not seen.any():
            return None
        return Region.around(
            self.grid.x[seen], self.grid.y[seen], width=self.stage.width, height=self.stage.height, rim=8
        )


def _find_flow(luma: Map, mask: Map) -> tuple[Map, Map]:
    """Unit vectors along the streaks of moving water (the structure tensor), downwards where there are none."""
    height, width = luma.shape
    sigma = min(height, width) / 40
    across, down = (cv2.Sobel(blur(luma, 1.0), cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    white = resize_map(mask, width, height)
    xx, yy, xy = (blur(part * white, sigma) for part in (across * across, down * down, across * down))
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    sure = np.clip(spread / (xx + yy + 1e-3) * 2 - 0.3, 0, 1)
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2  # along the streaks, across the steepest change
    x, y = np.cos(angle), np.sin(angle)
    turned = np.where(y < 0, -1, 1)
    x, y = blur(np.asarray(sure * x * turned), sigma), blur(np.asarray(sure * y * turned + (1 - sure)), sigma)
    length = np.hypot(x, y) + 1e-3
    return np.asarray(x / length, np.float32), np.asarray(y / length, np.float32)


def _coarse(plane: np.ndarray) -> Map:
    """Its slow light, as float."""
    height, width = plane.shape
    small = cv2.resize(
        plane, (max(2, width // SMOOTH), max(2, height // SMOOTH)), interpolation=cv2.INTER_AREA
    )
    return np.asarray(cv2.resize(small.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR))
