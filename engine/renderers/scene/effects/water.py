"""Ripples on water: four waves that share no rhythm, smaller towards the horizon, and glints on them."""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur, resize_map
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import Warp


class Wave(NamedTuple):
    """How a wave runs down and across the picture, where it starts, its speed (rad/s), its height."""

    down: float
    across: float
    start: float
    speed: float
    height: float


WAVES = (
    Wave(2.1, 5.0, 0.0, 2.6, 1.0),
    Wave(3.7, -9.0, 1.3, -3.7, 0.6),
    Wave(6.1, 17.0, 0.4, 5.3, 0.35),
    Wave(1.3, -3.0, 2.0, 1.7, 1.1),
)
GLINTS = WAVES[1:3]
HEIGHT = 0.006  # of the short side


class Water(Effect):
    needs = Need.WATER
    sounds = MappingProxyType({"waves": 0.4})  # ripples lap, they do not break

    def prepare(self) -> None:
        cover = self._find_cover()
        rows = np.flatnonzero(cover.max(1) > 0.01)
        self.top = int(rows[0]) // 2 * 2 if len(rows) else 0
        self.bottom = min(len(cover), (int(rows[-1]) + 2) // 2 * 2) if len(rows) else 2
        cover = cover[self.top : self.bottom]
        nearness = self._nearness(len(cover))
        short = min(self.stage.width, self.stage.height)
        reach = cover * self.strength * short * HEIGHT * (nearness**0.75 + 0.05)
        self.shape = cover.shape
        self.swing = _bases(WAVES, reach, nearness)
        quarter = (cover.shape[1] // 2, len(cover) // 2)
        self.glint_shape = quarter[1], quarter[0]
        gleam = resize_map(cover * self._find_gleam(), *quarter)
        self.glints = _bases(GLINTS, gleam, resize_map(np.repeat(nearness, quarter[0], 1), *quarter))

    def bend(self, moment: Moment, warp: Warp) -> None:
        """All waves at once: two products of a few factors with the maps that stay the same."""
        turns = [moment.turn(wave.speed) for wave in WAVES]
        down: list[float] = []
        across: list[float] = []
        for wave, turn in zip(WAVES, turns, strict=True):
            rise, lead = wave.height * (np.cos(turn) - 1), wave.height * np.sin(turn)
            down += [rise, lead]
            across += (
                [-0.7 * lead, 0.7 * rise] if wave.height < 1 else [0.0, 0.0]
            )  # small waves swing sideways
        factors = np.array(
            [np.multiply(0.9, across) + np.multiply(0.35, down), np.multiply(0.55, down)], np.float32
        )
        x, y = (factors @ self.swing).reshape(2, *self.shape)
        warp.ripple(self.top, x, y)

    def light(self, moment: Moment, light: Light) -> None:
        """Crests brighten and troughs darken, most where the water gleams."""
        shown = moment.fade(0.5)
        if shown == 0:
            return
        turns = [moment.turn(wave.speed) for wave in GLINTS]
        factors = np.array([part for turn in turns for part in (np.cos(turn) - 1, np.sin(turn))], np.float32)
        gain = np.ones((self.stage.height // 4, self.stage.width // 4), np.float32)
        slope = (factors * np.float32(shown) @ self.glints).reshape(self.glint_shape)
        top = self.top // 2
        part = gain[top : top + len(slope), : slope.shape[1]]
        part += slope[: part.shape[0], : part.shape[1]]
        light.multiply(gain)

    def _find_cover(self) -> Map:
        """The water at half size, fading towards the shore, where it stands still."""
        stage = self.stage
        width, height = stage.width // 2, stage.height // 2
        soft = max(1.0, min(width, height) / 120)
        water = resize_map(stage.reading.place(Need.WATER), width, height)
        inner = np.asarray(cv2.erode(water, np.ones((3, 3), np.uint8), iterations=round(soft)), np.float32)
        return blur(inner, soft)

    def _nearness(self, rows: int) -> Map:
        """0 at the horizon, 1 at the lower edge, for the rows of the water; (rows, 1)."""
        whole = max(15, self.stage.height // 2 - self.top)
        return np.clip(np.arange(rows, dtype=np.float32) / whole, 0.012, 1)[:, None]

    def _find_gleam(self) -> Map:
        """How much light plays on each place, at half size: a little everywhere, much on bright crests."""
        luma = self.stage.shrunk(self.stage.photo.y.astype(np.float32), 2)[self.top : self.bottom]
        crests = np.clip((luma - blur(luma, 9) - 4) / 18, 0, 1) * np.clip((luma - 90) / 60, 0, 1)
        return np.asarray(0.05 + 0.25 * crests)


def _bases(waves: tuple[Wave, ...], reach: Map, nearness: Map) -> NDArray[np.float32]:
    """(2 × waves, pixels): sine and cosine of each wave's phase, times its reach. The logarithm is perspective."""
    down = 9.5 * np.log(nearness)
    across = np.linspace(0, 1, reach.shape[1], dtype=np.float32)[None]
    phases = [wave.down * down + wave.across * across + wave.start for wave in waves]
    return np.array(
        [(turned * reach).ravel() for phase in phases for turned in (np.sin(phase), np.cos(phase))],
        np.float32,
    )
