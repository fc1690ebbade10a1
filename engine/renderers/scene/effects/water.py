"""Ripples on water: four waves that share no rhythm, smaller towards the horizon, and glints on them."""

from __future__ import annotations

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect, Need
from engine.renderers.scene.filters import blur, resize_map
from engine.renderers.scene.light import Light
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import Warp

WAVES = (
    (2.1, 5.0, 0.0, 2.6, 1.0),
    (3.7, -9.0, 1.3, -3.7, 0.6),
    (6.1, 17.0, 0.4, 5.3, 0.35),
    (1.3, -3.0, 2.0, 1.7, 1.1),
)
"""For each wave: how it runs down, how across, its start, its speed (rad/s), its height."""

HEIGHT = 0.006  # of the short side


class Water(Effect):
    needs = Need.WATER

    def prepare(self) -> None:
        stage = self.stage
        width, height = stage.width // 2, stage.height // 2
        cover = resize_map(stage.reading.water, width, height)
        soft = max(1.0, min(width, height) / 120)
        kernel = np.ones((3, 3), np.uint8)
        inner = np.asarray(cv2.erode(cover, kernel, iterations=round(soft)), np.float32)
        cover = blur(inner, soft)  # still at the shore
        rows = np.flatnonzero(cover.max(1) > 0.01)
        self.top, bottom = (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, 2)
        cover = cover[self.top : bottom]
        near = self._nearness(height, bottom)
        self.waves = self._lay_waves(cover.shape, near)
        short = min(stage.width, stage.height)
        self.reach = (cover * self.strength * short * HEIGHT * (near**0.75 + 0.05)[:, None]).astype(
            np.float32
        )
        self.gleam = self._find_gleam(cover, bottom)

    def bend(self, moment: Moment, warp: Warp) -> None:
        across, down = np.zeros_like(self.reach), np.zeros_like(self.reach)
        for (sine, cosine), (_, _, _, speed, tall) in zip(self.waves, WAVES, strict=True):
            turn = speed * moment.second
            down += np.float32(tall * (np.cos(turn) - 1)) * sine + np.float32(tall * np.sin(turn)) * cosine
            if tall < 1:  # only the small waves also swing sideways
                across += np.float32(0.7 * tall * (np.cos(turn) - 1)) * cosine
                across -= np.float32(0.7 * tall * np.sin(turn)) * sine
        warp.ripple(self.top, self.reach * (0.9 * across + 0.35 * down), self.reach * (0.55 * down))

    def light(self, moment: Moment, light: Light) -> None:
        """Crests brighten and troughs darken, most where the water gleams."""
        shown = moment.fade(0.5)
        if shown == 0:
            return
        slope = np.zeros_like(self.gleam)
        for (sine, cosine), (_, _, _, speed, _) in zip(self.glints, WAVES[1:3], strict=True):
            turn = speed * moment.second
            slope += np.float32(np.cos(turn) - 1) * sine + np.float32(np.sin(turn)) * cosine
        gain = np.ones((self.stage.height // 4, self.stage.width // 4), np.float32)
        gain[self.top // 2 : self.top // 2 + len(slope)] += np.float32(shown) * slope * self.gleam
        light.multiply(gain)

    def _nearness(self, height: int, bottom: int) -> np.ndarray:
        """0 at the horizon, 1 at the lower edge, for the rows of the water."""
        rows = np.arange(self.top, bottom, dtype=np.float32)
        return np.clip((rows - self.top) / max(15, height - self.top), 0.012, 1)

    def _lay_waves(self, shape: tuple[int, ...], near: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Sine and cosine of each wave's phase: a frame then only needs two factors. log: perspective."""
        down = 9.5 * np.log(near)[:, None]
        across = np.linspace(0, 1, shape[1], dtype=np.float32)[None]
        phases = [(run * down + side * across + start).astype(np.float32) for run, side, start, _, _ in WAVES]
        return [(np.sin(phase), np.cos(phase)) for phase in phases]

    def _find_gleam(self, cover: np.ndarray, bottom: int) -> np.ndarray:
        """How much light plays on each place, at a quarter of the size."""
        stage = self.stage
        luma = stage.shrunk(stage.photo.y.astype(np.float32), 2)[self.top : bottom]
        bright = np.clip((luma - cv2.GaussianBlur(luma, (0, 0), 9) - 4) / 18, 0, 1) * np.clip(
            (luma - 90) / 60, 0, 1
        )
        gleam = cover * (0.05 + 0.25 * bright)
        first = self.top % 2  # quarter-size rows begin at even half-size rows
        size = (stage.width // 4, max(1, (len(gleam) - first) // 2))
        self.glints = [
            (_half(sine[first:], size), _half(cosine[first:], size)) for sine, cosine in self.waves[1:3]
        ]
        self.top += first
        self.waves = [(sine[first:], cosine[first:]) for sine, cosine in self.waves]
        self.reach = self.reach[first:]
        return _half(gleam[first:].astype(np.float32), size)


def _half(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(values), size, interpolation=cv2.INTER_AREA)
