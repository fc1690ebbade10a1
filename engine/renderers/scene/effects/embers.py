"""Embers: sparks that rise on hot air, sway, glow from yellow to red, and go out; from a fire where there is one."""

from __future__ import annotations

from types import MappingProxyType

import cv2
import numpy as np

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.particles import add_dots
from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment

COUNT = 110
TURN = 2 * np.pi
RISE = 0.22  # of the height a second
BRIGHTEST = 200
TRAIL = (0.0, 0.012, 0.024)  # seconds before: what the eye keeps of a spark


class Embers(Effect):
    looks_for = Need.FLAME
    sounds = MappingProxyType({"fire": 1.0})

    def prepare(self) -> None:
        stage, random = self.stage, self.stage.random("embers")
        fire = float(stage.reading.place(Need.FLAME).mean())
        plenty = min(1.0, 0.2 + fire / 0.006) if fire else 1.0  # a candle throws few
        count = max(8, round(COUNT * plenty * self.strength * stage.area))
        self.x, self.y = self._scatter(random, count)
        self.phase = random.uniform(0, TURN, (3, count))
        self.pace = random.uniform(0.6, 1.5, count)
        self.lives = random.uniform(1.3, 2.9, count)  # seconds
        self.born = random.uniform(0, 1, count)  # shares of a life
        self.radius = random.choice([1.1, 1.6, 2.6], count, p=[0.5, 0.35, 0.15])

    def light(self, moment: Moment, light: Light) -> None:
        """They show at dusk."""
        shown = moment.fade(1.5)
        light.multiply(1 - 0.2 * shown)

    def shine(self, moment: Moment, picture: Picture) -> None:
        shown = moment.fade(1.0)
        if shown == 0:
            return
        half = np.zeros((self.stage.height // 2, self.stage.width // 2), np.float32)
        red = np.zeros_like(half)
        for radius in (1.1, 1.6, 2.6):
            self._add(half, red, self.radius == radius, radius * self.stage.scale / 2, moment, shown)
        half = np.minimum(half, BRIGHTEST)
        size = self.stage.width, self.stage.height
        cv2.add(picture.y, cv2.resize(half, size).astype(np.uint8), picture.y)
        glow = np.minimum(half + 0.5 * red, BRIGHTEST) / BRIGHTEST
        warm = cv2.merge([-85 * glow, 26 * glow + 60 * np.minimum(red, BRIGHTEST) / BRIGHTEST])
        picture.uv[:] = cv2.add(picture.uv, warm, dtype=cv2.CV_8U)

    def _scatter(self, random: np.random.Generator, count: int) -> tuple[Map, Map]:
        """Out of the fire, or from below the picture."""
        stage = self.stage
        flames = stage.reading.place(Need.FLAME)
        rows, columns = np.nonzero(flames > 0.5)
        if len(rows):
            chosen = random.integers(0, len(rows), count)
            scale = stage.width / flames.shape[1]
            return (columns[chosen] + random.random(count)) * scale, (rows[chosen] + 0.5) * scale
        return random.uniform(0, stage.width, count), random.uniform(0.55, 1.08, count) * stage.height

    def _add(self, half: Map, red: Map, which: Map, radius: float, moment: Moment, shown: float) -> None:
        life = self.lives[which]
        for step, before in enumerate(TRAIL):
            second = moment.onward - before
            age = (second / life + self.born[which]) % 1.0
            x, y = self._places(which, age * life)
            lit = np.clip(age / 0.08, 0, 1) * (1 - age) ** 0.8 * (1 - 0.3 * step) * shown
            lit = lit * (0.75 + 0.25 * np.sin(self.phase[2, which] + 17 * second))
            add_dots(half, x / 2, y / 2, radius=max(0.55, radius), value=150 * lit)
            if step == 0:
                add_dots(half, x / 2, y / 2, radius=max(1.4, 4 * radius), value=22 * lit)
                add_dots(red, x / 2, y / 2, radius=max(1.2, 2.5 * radius), value=110 * lit * (0.3 + age))

    def _places(self, which: Map, since: Map) -> tuple[Map, Map]:
        """`since` are the seconds since each was born; hot air slows down as it rises."""
        stage, pace, phase = self.stage, self.pace[which], self.phase[:, which]
        short = min(stage.width, stage.height)
        wander = np.sin(phase[0] + 2.1 * pace * since) - np.sin(phase[0])
        curl = np.sin(phase[1] + 5.3 * pace * since) - np.sin(phase[1])
        x = self.x[which] + short * (0.035 * wander + 0.010 * curl + 0.02 * since)
        y = self.y[which] - stage.height * RISE * pace * since**0.9
        return x, y
