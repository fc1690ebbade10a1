"""Autumn leaves: maple and beech, falling, rocking from side to side and turning over; near ones are out of focus."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.renderers.scene.effects.flyers import Flyers, tumble
from engine.renderers.scene.effects.sprites import Sprite, canvas, fill, make_sprite
from engine.renderers.scene.picture import Map

COLORS = ((196, 86, 28), (214, 142, 38), (158, 48, 30), (176, 116, 44), (226, 176, 64))
LOBES = ((0.0, 1.0, 2.2), (0.92, 0.86, 2.4), (-0.92, 0.86, 2.4), (1.95, 0.56, 2.2), (-1.95, 0.56, 2.2))
"""Of a maple leaf: direction from the tip (radians), length, slenderness."""


class Leaves(Flyers):
    count, size, speed = 34, 26.0, 0.13
    swing = 0.07

    def draw(self, soft: float) -> Sequence[Sprite]:
        shapes = (_maple(), _beech())
        return [make_sprite(color, shade, cover, soft=soft) for color in COLORS for shade, cover in shapes]

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        start, rocking, turning, _ = self.phase[:, number]
        pace, spin = self.pace[number], self.spin[number]
        angle = rocking + spin * (0.9 * second + 0.5 * np.sin(start + 1.4 * pace * second))
        flip = turning + 1.9 * pace * second
        return tumble(angle, flip, size), float(0.86 + 0.2 * np.cos(flip))


def _maple() -> tuple[Map, Map]:
    """Straight-edged lobes around the middle, each with a rib; the stalk leads away from the tip."""
    across, down = canvas()
    away, around = np.hypot(across, down), np.arctan2(down, across)
    outline, ribs = np.full_like(away, 0.2), np.zeros_like(away)
    for direction, length, slender in LOBES:
        off = np.abs((around - direction + np.pi) % (2 * np.pi) - np.pi)
        teeth = 1 + 0.07 * np.abs(np.sin(9 * off))
        spike = length * 0.9 * teeth / (np.cos(off) + slender * np.sin(off))
        outline = np.maximum(outline, np.where(off < 1.2, spike, 0))
        ribs = np.maximum(ribs, np.exp(-((away * np.sin(off) / 0.018) ** 2)) * (np.cos(off) > 0))
    stalk = np.where(across < 0, 0.022 - np.abs(down - 0.12 * across**2), -1)
    cover = np.maximum(fill((outline - away) * 0.6), fill(np.where(across > -0.95, stalk, -1)))
    edge = np.clip(away / np.maximum(outline, 0.05), 0, 1)
    return _tint(0.94 - 0.22 * edge**3 + 0.14 * ribs + 0.06 * np.sign(down), across, down), cover


def _beech() -> tuple[Map, Map]:
    """An oval with a point, a bent midrib, and side ribs that run forward."""
    across, down = canvas()
    off = down - 0.14 * across**2
    along = np.clip((across + 0.72) / 1.6, 0, 1)
    half = 0.5 * np.clip(np.sin(np.pi * along**0.85), 0, 1) ** 0.9 * (1 + 0.05 * np.abs(np.sin(34 * along)))
    stalk = np.where((across < -0.6) & (across > -0.97), 0.022 - np.abs(off), -1)
    cover = np.maximum(fill((half - np.abs(off)) * 0.8), fill(stalk))
    side = np.abs(((across - 0.8 * np.abs(off)) * 5.5) % 1 - 0.5)
    ribs = np.maximum(np.exp(-((off / 0.02) ** 2)), 0.6 * np.exp(-((side / 0.07) ** 2)))
    edge = np.clip(np.abs(off) / np.maximum(half, 0.02), 0, 1)
    return _tint(0.93 - 0.2 * edge**3 + 0.13 * ribs + 0.07 * np.sign(off), across, down), cover


def _tint(shade: Map, across: Map, down: Map) -> Map:
    """No leaf is of one colour."""
    blotches = np.sin(3.1 * across + 1.0) * np.sin(4.3 * down + 0.4) + 0.5 * np.sin(9 * across - 7 * down)
    return np.asarray(np.clip(shade + 0.06 * blotches, 0, 1.15), np.float32)
