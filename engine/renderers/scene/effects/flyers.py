"""What flies through the air in one piece (leaves, petals, balloons, hearts): how it moves, at several depths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.effects.sprites import Sprite, stamp
from engine.renderers.scene.picture import Map, Picture
from engine.renderers.scene.stage import Moment

TURN = 2 * np.pi
BEHIND = 0.8
"""Things whose closeness is below this pass behind the near object."""

CLOSE = 1.3
"""Things above this are out of focus."""


class Flyers(Effect):
    """`count` for 720×1280; `size` is half a side in pixels at 720 and `speed` shares of the height a second, at closeness 1."""

    count: ClassVar[int]
    size: ClassVar[float]
    speed: ClassVar[float]
    """Downwards; below 0 it rises."""
    swing: ClassVar[float] = 0.05
    """To the sides, of the short side."""
    closeness: ClassVar[tuple[float, float]] = (0.5, 1.7)
    seconds_to_show: ClassVar[float] = 1.2

    def draw(self, soft: float) -> Sequence[Sprite]:
        """The kinds; `soft` is more than 0 for the copies that are out of focus."""
        raise NotImplementedError

    def axes(self, number: int, second: float, size: float) -> tuple[Map, float]:
        """How a thing lies in space at a moment, and its shade: see `stamp`."""
        raise NotImplementedError

    def prepare(self) -> None:
        stage, random = self.stage, self.stage.random(type(self).__name__)
        count = max(6, round(self.count * self.strength * stage.area))
        low, high = self.closeness
        self.close = np.sort(low + (high - low) * random.random(count) ** 1.6)  # far ones are painted first
        self.reach = self.size * stage.scale * self.close
        self.x, self.y = self.scatter(random, count)
        self.phase = random.uniform(0, TURN, (4, count))
        self.pace = random.uniform(0.75, 1.25, count)
        self.spin = random.choice([-1.0, 1.0], count)
        self.sharp, self.soft = self.draw(0.0), self.draw(0.07)
        self.kind = random.integers(0, len(self.sharp), count)
        lit = float(np.percentile(stage.photo.y[::8, ::8], 80))
        self.day = min(1.0, 0.6 + 0.4 * lit / 170)  # nothing shines in a dark wood

    def scatter(self, random: np.random.Generator, count: int) -> tuple[Map, Map]:
        """Where things begin: everywhere in the air."""
        return random.uniform(0, self.stage.width, count), random.uniform(0, 1, count) * self._loft

    @property
    def _loft(self) -> Map:
        """How high the air is in which each thing begins anew where it has left the picture."""
        return self.stage.height + 2 * self.reach

    def places(self, second: float) -> tuple[Map, Map]:
        stage = self.stage
        moved = self.speed * stage.height * self.close * self.pace * second
        y = (self.y + moved) % self._loft - self.reach
        short = min(stage.width, stage.height)
        swung = np.sin(self.phase[0] + 1.4 * self.pace * second) - np.sin(self.phase[0])
        wide = stage.width + 2 * self.reach
        x = (self.x + self.reach + self.swing * short * swung * self.close) % wide - self.reach
        return x, y

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, np.flatnonzero(self.close < BEHIND))

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        self._paint(moment, picture, np.flatnonzero(self.close >= BEHIND))

    def cover(self, _number: int, _place: float) -> float:
        """How far a thing hides what is behind it; `_place` is how far down it is, 0..1."""
        return 1.0

    def _paint(self, moment: Moment, picture: Picture, which: NDArray[np.int_]) -> None:
        shown = moment.fade(self.seconds_to_show)
        if shown == 0:
            return
        x, y = self.places(moment.onward)
        for number in which.tolist():
            kinds = self.soft if self.close[number] > CLOSE else self.sharp
            axes, shade = self.axes(number, moment.onward, float(self.reach[number]))
            stamp(
                picture,
                kinds[self.kind[number]],
                (float(x[number]), float(y[number])),
                axes,
                shade=self.day * shade,
                cover=shown * self.cover(number, float(y[number]) / self.stage.height),
            )


def tumble(angle: float, flip: float, size: float) -> Map:
    """Turned by `angle` in the picture and by `flip` around its own length; never quite seen from the edge."""
    across = np.array([np.cos(angle), np.sin(angle)])
    down = np.array([-np.sin(angle), np.cos(angle)])
    thin = np.copysign(max(0.16, abs(np.cos(flip))), np.cos(flip))
    return np.asarray(size * np.column_stack([across, down * thin]))
