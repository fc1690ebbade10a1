"""Balloons: shining, on strings, rising from below at several depths and swaying."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.renderers.scene.effects.flyers import Flyers
from engine.renderers.scene.effects.sprites import Sprite, canvas, fill, make_sprite
from engine.renderers.scene.picture import Map

COLORS = ((214, 44, 58), (46, 118, 214), (250, 196, 52), (66, 170, 96), (232, 106, 158), (150, 92, 206))
MIDDLE = -0.36
"""Of the rubber; the string takes the rest of the drawing."""


class Balloons(Flyers):
    count, size, speed = 18, 88.0, -0.3
    swing = 0.03
    closeness = (0.4, 1.6)

    def draw(self, soft: float) -> Sequence[Sprite]:
        shade, cover = _balloon()
        return [make_sprite(color, shade, cover, soft=soft * 0.35) for color in COLORS]

    def scatter(self, random: np.random.Generator, count: int) -> tuple[Map, Map]:
        """Below the picture, so that they come in one after another, none above another's head."""
        stage = self.stage
        lanes = (random.permutation(count) + random.uniform(0.2, 0.8, count)) / count
        below = stage.height + 2 * self.reach + random.uniform(0, 0.5, count) * stage.height * self.close
        return lanes * stage.width, below

    def places(self, second: float) -> tuple[Map, Map]:
        """Once through the picture; nothing begins anew."""
        x, _ = super().places(second)
        risen = self.speed * self.stage.height * self.close * self.pace * second
        return x, self.y + risen - self.reach

    def cover(self, _number: int, _place: float) -> float:
        return 1.0

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        lean = 0.07 * np.sin(self.phase[1, number] + 1.4 * self.pace[number] * second)
        turn = np.array([[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]])
        return size * turn, 1.0


def _balloon() -> tuple[Map, Map]:
    """Light from the upper left, a soft gleam, and some light that comes through on the other side."""
    across, down = canvas()
    up = down - MIDDLE
    high = np.where(up < 0, 0.58, 0.70)
    wide = 0.56 * np.where(up < 0, 1.0, 1 - 0.18 * np.clip(up / 0.7, 0, 1) ** 2)
    away = np.hypot(across / wide, up / high)
    rubber = fill((1 - away) * 0.5)
    foot = MIDDLE + 0.70
    knot = fill(
        np.where((down > foot - 0.03) & (down < foot + 0.05), (down - foot + 0.06) * 0.7 - np.abs(across), -1)
    )
    swung = 0.035 * np.sin(9 * (down - foot)) * np.clip((down - foot) / 0.4, 0, 1)
    string = 0.55 * fill(np.where((down > foot) & (down < 0.98), 0.010 - np.abs(across - swung), -1))
    depth = np.sqrt(np.clip(1 - away**2, 0, 1))
    lit = np.clip(-0.5 * across / 0.56 - 0.55 * up / 0.6 + 0.67 * depth, -0.2, 1)
    gleam = np.exp(-(((across + 0.2) / 0.10) ** 2) - ((up + 0.26) / 0.13) ** 2)
    through = np.exp(-(((across - 0.24) / 0.2) ** 2) - ((up - 0.3) / 0.22) ** 2)
    shade = 0.56 + 0.44 * lit + 0.75 * gleam + 0.16 * through
    shade = np.where(rubber + knot > 0, shade, 0.85)
    return np.asarray(shade, np.float32), np.asarray(
        np.maximum(0.95 * rubber, np.maximum(knot, string)), np.float32
    )
