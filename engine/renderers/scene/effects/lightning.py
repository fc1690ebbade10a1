"""Lightning: a bolt over the land and the flash that it throws, twice at most in a strike, with an afterglow.

Strikes are farther apart than a second and the day is dim between them, so that no clip flashes more than twice a second
(`engine/gates/flashing.py` stops clips at more than three).
"""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.filters import blur
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.stage import Moment, draw_for

COARSE = 8
FIRST = (0.7, 1.2)  # seconds
APART = (1.5, 2.4)
SECOND_PULSE, SECOND_LEVEL = 0.17, 0.65
RISES, GLOWS = 0.04, 0.2  # seconds: to its height, and to a third of it
FLASH, FLASH_SKY = 0.45, 0.75  # how much brighter land and sky get
DIM = 0.3
BENDS = 7  # halvings of a bolt
BOLT = 3.0  # pixels at 720
LEAST_SKY = 0.12


class Lightning(Effect):
    sounds = MappingProxyType({"thunder": 1.0})

    @classmethod
    def flashes(cls, seed: int, seconds: float) -> tuple[float, ...]:
        random, strikes = draw_for(seed, "strikes"), []
        at = float(random.uniform(*FIRST))
        while at < max(seconds, FIRST[1]):
            strikes.append(min(at, 0.4 * seconds + at / 3))
            at += float(random.uniform(*APART))
        return tuple(strikes)

    def prepare(self) -> None:
        stage, random = self.stage, self.stage.random("lightning")
        sky = stage.open_sky()
        self.sky = blur(stage.shrunk(sky, COARSE), 3)
        self.has_bolts = float(sky.mean()) > LEAST_SKY
        self.strikes: list[tuple[float, Map, Map | None]] = []
        for start in self.flashes(stage.seed, stage.seconds):
            across = self._choose_column(sky, random)
            self.strikes.append((start, self._light_up(across), self._draw(across, sky, random)))

    def light(self, moment: Moment, light: Light) -> None:
        dark = 1 - DIM * moment.fade(1.2) * min(1.3, self.strength)
        light.multiply(dark)
        light.saturate(1 - 0.25 * moment.fade(1.2))
        for start, place, _ in self.strikes:
            glow = _glow(moment.passed - start) * moment.fade(0.5)
            if glow > 0.01:
                light.multiply((1 + glow * min(1.2, self.strength) * place).astype(np.float32))
                light.tint(float(glow), u=5, v=-4)

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        """The bolt itself, as long as it is bright."""
        for start, _, bolt in self.strikes:
            level = np.clip(2.2 * _glow(moment.passed - start) - 0.5, 0, 1) * moment.fade(0.5)
            if bolt is not None and level > 0.01:
                picture.y[:] = cv2.add(picture.y, (bolt * np.float32(level)).astype(np.uint8))

    @staticmethod
    def _choose_column(sky: Map, random: np.random.Generator) -> float:
        """Where there is much sky; anywhere, where there is none. In shares of the width."""
        tall = sky[:, sky.shape[1] // 10 : -sky.shape[1] // 10].mean(0)
        columns = np.flatnonzero(tall >= 0.7 * tall.max())
        return float((random.choice(columns) + sky.shape[1] // 10) / sky.shape[1])

    def _light_up(self, across: float) -> Map:
        """How much each place brightens: the sky more, most around the strike."""
        height, width = self.sky.shape
        x = np.linspace(0, 1, width, dtype=np.float32)[None] - across
        y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
        around = 0.7 + 0.3 * np.exp(-((x / 0.35) ** 2) - (y / 0.7) ** 2)
        return np.asarray((FLASH + (FLASH_SKY - FLASH) * self.sky) * around)

    def _draw(self, across: float, sky: Map, random: np.random.Generator) -> Map | None:
        """Luma that a bolt adds, with its glow: from above the picture to where the sky ends."""
        if not self.has_bolts:
            return None
        width, height = self.stage.width, self.stage.height
        rows = np.flatnonzero(sky[:, min(sky.shape[1] - 1, int(across * sky.shape[1]))] > 0.5)
        if not len(rows):
            return None
        foot = float(rows[-1] + 1) / len(sky) * height
        layer = np.zeros((height, width), np.float32)
        trunk = _fork(
            (across * width, -0.02 * height), (across * width + random.normal(0, 0.08) * width, foot), random
        )
        scale = self.stage.scale
        _stroke(layer, trunk, 230, max(1.0, BOLT * scale))
        for start in random.integers(len(trunk) // 6, len(trunk) * 3 // 4, 5):
            tip = trunk[start] + random.normal(0, 0.13, 2) * width + (0, 0.10 * height)
            branch = _fork(tuple(trunk[start]), (float(tip[0]), min(foot, float(tip[1]))), random)
            _stroke(layer, branch, 120, max(1.0, 0.5 * BOLT * scale))
        soft = blur(layer, 0.7 * max(1.0, scale))
        small = cv2.resize(layer, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
        glow = cv2.resize(blur(small.astype(np.float32), max(1.0, 5 * scale)), (width, height))
        veil = cv2.resize(self.sky, (width, height))
        return np.asarray(np.clip(soft + 1.6 * glow, 0, 235) * veil, np.float32)


def _glow(since: float) -> float:
    """Of one strike: up at once, down slowly, and once more."""
    pulses = ((0.0, 1.0), (SECOND_PULSE, SECOND_LEVEL))
    return max(level * _pulse(since - start) for start, level in pulses)


def _pulse(since: float) -> float:
    if since <= 0:
        return 0.0
    return float(min(1.0, since / RISES) * np.exp(-max(0.0, since - RISES) / GLOWS))


def _fork(start: tuple[float, ...], end: tuple[float, float], random: np.random.Generator) -> Map:
    """A broken line between two points: each half is moved aside, again and again, by less."""
    points = np.array([start, end])
    aside = 0.16 * float(np.linalg.norm(points[1] - points[0]))
    for _ in range(BENDS):
        middles = (points[:-1] + points[1:]) / 2
        along = points[1:] - points[:-1]
        normal = np.column_stack([-along[:, 1], along[:, 0]]) / (
            np.linalg.norm(along, axis=1)[:, None] + 1e-6
        )
        middles = middles + normal * random.normal(0, aside / 2, len(middles))[:, None]
        points = np.insert(points, np.arange(1, len(points)), middles, axis=0)
        aside *= 0.54
    return points


def _stroke(layer: Map, points: Map, level: int, wide: float) -> None:
    drawn = np.zeros(layer.shape, np.uint8)
    ends = np.rint(points * 8).astype(np.int32)
    cv2.polylines(drawn, [ends], False, level, max(1, round(wide)), cv2.LINE_AA, 3)
    np.maximum(layer, drawn, out=layer)
