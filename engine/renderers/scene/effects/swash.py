"""Waves on a shore: water runs up the land and back along the shore's normal, with crests that follow and foam before it."""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

from engine.renderers.scene.effects.shifting import Shifting
from engine.renderers.scene.filters import blur, make_clouds, resize_map
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import STEP, Shift

TURN = 2 * np.pi
PERIOD = 4.0  # seconds from wave to wave
HEIGHT, LENGTH = 0.014, 0.22  # of the short side: how far water runs, and from crest to crest
FOAM = 0.16  # how much brighter the front is


class Swash(Shifting):
    needs = Need.SHORE
    sounds = MappingProxyType({"waves": 1.0})

    def prepare(self) -> None:
        grid, stage = self.grid, self.stage
        short = min(stage.width, stage.height)
        water = (grid.sample(stage.reading.place(Need.SHORE)) > 0.5).astype(np.uint8)
        inside, outside = (cv2.distanceTransform(part, cv2.DIST_L2, 5) * STEP for part in (water, 1 - water))
        self.deep = blur(
            np.asarray(inside - outside, np.float32), 3
        )  # pixels from the shore, positive in the water
        self.normal = _find_normal(self.deep)
        rows = np.arange(len(water), dtype=np.float32)[:, None]
        top = float(water.any(1).argmax())  # at the horizon nothing moves
        nearness = np.clip((rows - top) / max(4.0, 0.5 * (len(water) - top)), 0, 1)
        land = np.exp(-((self.deep / (0.03 * short)) ** 2))
        sea = 0.3 + 0.7 * np.exp(-self.deep / (0.25 * short))
        self.reach = self.strength**0.7 * HEIGHT * short * nearness * np.where(self.deep > 0, sea, land)
        uneven = make_clouds(stage.random("swash"), 64, slope=2.2)
        self.late = 2.5 * resize_map(uneven, water.shape[1], water.shape[0])
        self.crest = TURN * self.deep / (LENGTH * short)
        self.edge = 0.02 * short
        self.nearness = nearness

    @property
    def in_near(self) -> bool:
        return False

    def shift(self, moment: Moment) -> Shift:
        """Against the normal, which points to deep water: up the shore."""
        run = -self.reach * self._rise(moment)
        return Shift(run * self.normal[0], run * self.normal[1])

    def light(self, moment: Moment, light: Light) -> None:
        """The front is white as long as it runs up, and the sand that it leaves is darker."""
        shown = moment.fade(1.5)
        if shown == 0:
            return
        rise = self._rise(moment)
        front = np.exp(-(((self.deep + 1.6 * self.reach * rise) / self.edge) ** 2))
        wet = np.clip(-self.deep / self.edge, 0, 1) * np.exp(-((self.deep / (2.5 * self.edge)) ** 2))
        gain = 1 + shown * self.nearness * (FOAM * front * np.clip(0.6 + 0.5 * rise, 0, 1.3) - 0.10 * wet)
        light.multiply(gain[1:-1, 1:-1].astype(np.float32))

    def _rise(self, moment: Moment) -> Map:
        """About -1..1; 0 at the first frame."""
        turn = moment.turn(TURN / PERIOD)
        swing = 0.9 * (np.sin(turn + self.late) - np.sin(self.late))
        follow = 0.4 * (np.sin(self.crest + moment.turn(2 * TURN / PERIOD)) - np.sin(self.crest))
        return np.asarray(swing + follow, np.float32)


def _find_normal(deep: Map) -> tuple[Map, Map]:
    """Unit vectors away from the shore, into the water, smooth along it."""
    across, down = (cv2.Sobel(deep, cv2.CV_32F, *axis) for axis in ((1, 0), (0, 1)))
    length = np.hypot(across, down) + 1e-3
    return blur(np.asarray(across / length), 3), blur(np.asarray(down / length), 3)
