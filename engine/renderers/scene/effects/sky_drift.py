"""Drift of the sky, as if on rubber: clouds move, and the movement fades to nothing before the sky ends.

Where the mask is wrong, something bends a little; nothing tears.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from engine.media.clip import Plane
from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur, make_clouds, resize_map
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import STEP, Grid, Warp

SPEED = 0.014  # of the short side a second
FADE = 0.16  # of the short side, from the border of the sky


class SkyDrift(Effect):
    needs = Need.CLOUDS

    def prepare(self) -> None:
        stage = self.stage
        self.short = min(stage.width, stage.height)
        grid = Grid(stage.width, stage.height)
        sky = (grid.sample(stage.reading.sky.mask) > 0.5).astype(np.uint8)
        self.cover = self._fade(sky)
        horizon = max(1.0, float(np.flatnonzero(sky.any(1)).max(initial=1)))
        rows = np.arange(len(sky), dtype=np.float32)[:, None]
        self.closeness = np.clip((horizon - rows) / horizon, 0, 1) * 0.8 + 0.2  # clouds overhead pass faster
        random = stage.random("sky_drift")
        self.swell_x, self.swell_y = (
            resize_map(make_clouds(random, 64, slope=2.4), *sky.shape[::-1]) - 0.5 for _ in range(2)
        )
        self.way = float(random.choice([-1, 1]))

    def bend(self, moment: Moment, warp: Warp) -> None:
        drift = self.strength * self.short * SPEED * moment.second * self.closeness
        swell = self.strength * self.short * 0.03 * math.sin(min(1.2, 0.25 * moment.second))
        across = self.cover * (self.way * drift + swell * self.swell_x)
        down = self.cover * (0.18 * drift + 0.6 * swell * self.swell_y)
        warp.push(across.astype(np.float32), down.astype(np.float32))

    def _fade(self, sky: Plane) -> Map:
        """1 well inside the sky, 0 at its border; the frame's own edge is no border."""
        rim = 8
        wide = cv2.copyMakeBorder(sky, rim, 0, rim, rim, cv2.BORDER_REPLICATE)
        inside = cv2.distanceTransform(wide, cv2.DIST_L2, 5)[rim:, rim:-rim] * STEP
        share = np.clip(inside / (FADE * self.short), 0, 1)
        return blur(share * share * (3 - 2 * share), 1.2)
