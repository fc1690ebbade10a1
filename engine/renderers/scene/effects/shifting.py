"""What moves by itself wherever it is, near or far: one displacement for both layers, so that nothing tears between."""

from __future__ import annotations

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import Grid, Shift, Warp


class Shifting(Effect):
    @property
    def grid(self) -> Grid:
        return Grid(self.stage.width, self.stage.height)

    @property
    def in_near(self) -> bool:
        """Whether the near layer has a part in it; where not, it goes on moving as one plane."""
        return True

    def shift(self, moment: Moment) -> Shift:
        """How far what each node shows has moved; 0 at the first frame."""
        raise NotImplementedError

    def bend(self, moment: Moment, warp: Warp) -> None:
        warp.carry(self.shift(moment))

    def bend_near(self, moment: Moment, shifts: list[Shift]) -> None:
        if self.in_near:
            shifts.append(self.shift(moment))
