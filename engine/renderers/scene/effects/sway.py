"""Plants in the wind: gusts run over grass and leaves; roots stand still, tips swing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.renderers.scene.effects.shifting import Shifting
from engine.renderers.scene.filters import blur, make_clouds, resize_map
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import Shift

TURN = 2 * np.pi
SWING = 0.0058  # of the width, for the first wave; all of them stay below 0.75 %
ROOTS = 0.3  # of the height: from the foot of a plant to where it swings freely


class Gust(NamedTuple):
    """Speed (rad/s), waves across the picture, how uneven its front is (rad), height against the first."""

    speed: float
    across: float
    uneven: float
    height: float


GUSTS = (Gust(1.7, 1.1, 7.0, 1.0), Gust(4.1, 2.3, 12.0, 0.36), Gust(6.7, 4.1, 26.0, 0.14))


class Sway(Shifting):
    needs = Need.VEGETATION

    def prepare(self) -> None:
        grid, stage = self.grid, self.stage
        found = stage.reading.place(Need.VEGETATION)
        plants = blur(grid.sample(found), 1.5) * _freedom(found, grid.x.shape)
        people = grid.sample(stage.reading.near) if stage.reading.people else np.zeros_like(plants)
        self._near = bool((plants * grid.sample(stage.reading.near) > 0.3).mean() > 0.003)
        reach = self.strength**0.7 * SWING * min(stage.width, stage.height) * plants * (1 - people)
        random = stage.random("sway")
        rows, columns = plants.shape
        uneven = resize_map(make_clouds(random, 64, slope=1.6), columns, rows) - 0.5
        along = TURN * (grid.x + 0.3 * grid.y) / stage.width
        phases = [gust.across * along + gust.uneven * uneven for gust in GUSTS]
        self.bases = np.array(
            [
                gust.height * reach * wave
                for gust, phase in zip(GUSTS, phases, strict=True)
                for wave in (np.sin(phase), np.cos(phase))
            ],
            np.float32,
        )

    @property
    def in_near(self) -> bool:
        return self._near

    def shift(self, moment: Moment) -> Shift:
        """sin(phase - turn) - sin(phase), in parts; a stalk that bends comes down a little."""
        turns = [moment.turn(gust.speed) for gust in GUSTS]
        factors = np.array([part for turn in turns for part in (np.cos(turn) - 1, -np.sin(turn))], np.float32)
        across = np.tensordot(factors, self.bases, 1)
        return Shift(across, 0.22 * across)


def _freedom(plants: Map, shape: tuple[int, ...]) -> Map:
    """0 at the foot of what grows in each column, 1 well above it; a foot may be below the picture."""
    height = len(plants)
    found = plants > 0.3
    foot = np.where(found.any(0), height - found[::-1].argmax(0), 0).astype(np.float32)
    foot = np.where(foot >= height - 2, foot + 0.12 * height, foot)
    soft = blur(foot[None], 0.03 * plants.shape[1])[0]
    rows = np.arange(height, dtype=np.float32)[:, None]
    freedom = np.clip((soft[None] - rows) / (ROOTS * height), 0, 1)
    return np.pad(resize_map(freedom, shape[1] - 2, shape[0] - 2), 1, mode="edge")
