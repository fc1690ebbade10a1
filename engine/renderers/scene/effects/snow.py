"""Snow in four depths: fine and slow far away, large, soft and quick close by; the far half falls behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.particles import blend_dots
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import GRAY, Map, Picture
from engine.renderers.scene.stage import Moment

TURN = 2 * np.pi
RIM = 40.0  # pixels outside the frame, so that no flake pops up
WHITE_FLAKE = 255  # before the day gets duller
FALL = 0.16  # of the height a second, at speed 1


class Depth(NamedTuple):
    """Flakes of one distance; `radius` in pixels at 720, `flakes` for 720×1280."""

    radius: float
    flakes: int
    speed: float
    cover: float
    behind: bool


DEPTHS = (
    Depth(1.2, 520, 0.35, 0.64, behind=True),
    Depth(1.9, 300, 0.6, 0.81, behind=True),
    Depth(3.2, 120, 1.0, 0.90, behind=False),
    Depth(7.5, 22, 1.9, 0.62, behind=False),
)


@dataclass(frozen=True, slots=True)
class _Flakes:
    depth: Depth
    x: Map
    y: Map
    pace: Map
    phase: Map
    cover: Map


class Snow(Effect):
    wind = 0.3
    """Sideways, as a share of the fall."""

    def prepare(self) -> None:
        random = self.stage.random("snow")
        self.flakes = [self._scatter(depth, random) for depth in DEPTHS]

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, behind=True)

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, behind=False)

    def light(self, moment: Moment, light: Light) -> None:
        """A snowy day has less colour, and is dull enough that white flakes show on a white wall."""
        shown = moment.fade(1.5) * min(1.5, self.strength)
        light.saturate(1 - 0.14 * shown)
        light.multiply(1 - 0.09 * shown)

    def _scatter(self, depth: Depth, random: np.random.Generator) -> _Flakes:
        count = round(depth.flakes * self.strength * self.stage.area)
        stage = self.stage
        return _Flakes(
            depth,
            x=random.uniform(0, stage.width + 2 * RIM, count),
            y=random.uniform(0, stage.height + 2 * RIM, count),
            pace=random.uniform(0.7, 1.3, count),
            phase=random.uniform(0, TURN, count),
            cover=random.uniform(0.5, 1, count) * depth.cover,
        )

    def _paint(self, moment: Moment, picture: Picture, *, behind: bool) -> None:
        shown = moment.fade(1.2)
        if shown == 0:
            return
        for flakes in self.flakes:
            if flakes.depth.behind == behind:
                x, y = self._places(flakes, moment.onward)
                self._dot(picture, flakes, x, y, flakes.cover * shown)

    def _places(self, flakes: _Flakes, second: float) -> tuple[Map, Map]:
        stage, speed = self.stage, flakes.depth.speed
        fall = stage.height * FALL * speed * flakes.pace * second
        swing = np.sin(flakes.phase + second * (1.2 + flakes.pace)) * 9 * stage.scale * (1 + speed)
        x = (flakes.x + self.wind * fall) % (stage.width + 2 * RIM) - RIM + swing
        return x, (flakes.y + fall) % (stage.height + 2 * RIM) - RIM

    def _dot(self, picture: Picture, flakes: _Flakes, x: Map, y: Map, cover: Map) -> None:
        radius = max(0.6, flakes.depth.radius * self.stage.scale)
        blend_dots(picture.y, x, y, radius=radius, cover=cover, level=WHITE_FLAKE)
        if flakes.depth.radius > 3:  # smaller ones are finer than a chroma pixel
            for plane in (picture.uv[..., 0], picture.uv[..., 1]):
                small = np.ascontiguousarray(plane)
                blend_dots(small, x / 2, y / 2, radius=radius / 2, cover=cover, level=GRAY)
                plane[:] = small
