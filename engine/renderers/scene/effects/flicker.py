"""Fire, candles and lamps flicker: what they light up breathes with them, and flames lick upwards."""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

from engine.renderers.scene.effects.shifting import Shifting
from engine.renderers.scene.filters import blur, resize_map
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import STEP, Shift

TURN = 2 * np.pi
GAIN = 0.11  # more makes one nervous
BEATS = (0.7, 1.3, 2.3, 4.1, 6.7)
"""Hz; each weighs as much as its frequency is low: 1/f."""

MOST = 5
"""Flames that flicker each for itself; the smaller ones go along with the largest."""

LICK = 0.035  # of a flame's height, to the sides, at its tip
LARGEST_TONGUE = 0.03  # of the picture; a lit wall is no flame
COARSE = 8


class Flicker(Shifting):
    needs = Need.FLAME
    sounds = MappingProxyType({"fire": 0.5})

    def prepare(self) -> None:
        stage, grid = self.stage, self.grid
        flames = _part(stage.reading.place(Need.FLAME))
        random = stage.random("flicker")
        self.phases = random.uniform(0, TURN, (len(flames), len(BEATS)))
        size = stage.width // COARSE, stage.height // COARSE
        wide = 0.16 * min(size)
        halos = [
            blur(resize_map(flame, *size), 1.0) + _to_one(blur(resize_map(flame, *size), wide))
            for flame in flames
        ]
        self.halos = np.array([np.clip(halo, 0, 1) for halo in halos], np.float32)
        tongues = [_tongue(grid.sample(flame)) for flame in flames]
        self.lick = np.array(tongues, np.float32) * STEP
        self.rising = TURN * grid.y / (0.11 * min(stage.width, stage.height))

    def light(self, moment: Moment, light: Light) -> None:
        """f(t) - f(0): at the first frame the light is that of the photo."""
        beats = np.array([self._beat(moment, phases) for phases in self.phases], np.float32)
        light.multiply(1 + np.tensordot(GAIN * self.strength * beats, self.halos, 1).astype(np.float32))

    def shift(self, moment: Moment) -> Shift:
        turn, other = moment.turn(6.1), moment.turn(9.7)
        wave = np.sin(self.rising + turn) - np.sin(self.rising)
        wave += 0.6 * (np.sin(1.7 * self.rising + other) - np.sin(1.7 * self.rising))
        across = (self.strength * LICK * self.lick.sum(0) * wave).astype(np.float32)
        stretch = sum(
            lick * self._beat(moment, phases) for lick, phases in zip(self.lick, self.phases, strict=True)
        )
        return Shift(across, np.asarray(-0.06 * self.strength * stretch, np.float32))

    def _beat(self, moment: Moment, phases: Map) -> float:
        """About -1..1."""
        swings = [
            (np.sin(phase + moment.turn(TURN * beat)) - np.sin(phase)) / beat**0.7
            for beat, phase in zip(BEATS, phases.tolist(), strict=True)
        ]
        return float(np.clip(sum(swings) / 2, -1.1, 1.1))


def _part(mask: Map) -> list[Map]:
    """The largest flames one by one."""
    count, parts, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    order = sorted(range(1, count), key=lambda number: -int(stats[number, cv2.CC_STAT_AREA]))
    flames = [(parts == number).astype(np.float32) for number in order[:MOST]]
    if order[MOST:]:
        flames[0] = flames[0] + np.isin(parts, order[MOST:]).astype(np.float32)
    return flames


def _tongue(flame: Map) -> Map:
    """How many nodes above its foot each place of a flame is; 0 all over for a lamp, which does not lick."""
    seen = flame > 0.2
    tall, wide = int(seen.any(1).sum()), int(seen.any(0).sum())
    if tall < 3 or tall < 1.2 * wide or seen.mean() > LARGEST_TONGUE:
        return np.zeros_like(flame)
    foot = int(np.flatnonzero(seen.any(1))[-1])
    above = np.clip(foot + 0.5 - np.arange(len(flame), dtype=np.float32)[:, None], 0, 1.4 * tall)
    around = cv2.dilate(seen.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    return np.asarray(above * blur(around, 0.8))


def _to_one(values: Map) -> Map:
    return values / max(1e-6, float(values.max()))
