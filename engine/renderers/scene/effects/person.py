"""What effects that move people share: displacements around each face, in the layer that the person is in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.effects.effect import Effect
from engine.renderers.scene.people import Person
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment
from engine.renderers.scene.warp import Grid, Shift, Warp

Bases = NDArray[np.float32]
"""(count, 2, rows, columns): displacements to the right and down, in pixels at the nodes."""


class PersonEffect(Effect):
    """Movement is a sum of bases, which stay the same, with factors, which change."""

    needs = Need.PERSON

    def prepare(self) -> None:
        self.grid = Grid(self.stage.width, self.stage.height)
        people = self.choose_people()
        shares = _share_out(self.grid, people)
        self.moving = [
            (person, self.find_bases(person) * share) for person, share in zip(people, shares, strict=True)
        ]

    def choose_people(self) -> Sequence[Person]:
        return self.stage.reading.people

    def find_bases(self, person: Person) -> Bases:
        """What of one person may move."""
        raise NotImplementedError

    def find_factors(self, moment: Moment, number: int, /) -> Sequence[float]:
        """How much each basis of the person of this number counts now; 0 at the first frame."""
        raise NotImplementedError

    def bend(self, moment: Moment, warp: Warp) -> None:
        shift = self._shift(moment, near=False)
        if shift is not None:
            warp.carry(shift)

    def bend_near(self, moment: Moment, shifts: list[Shift]) -> None:
        shift = self._shift(moment, near=True)
        if shift is not None:
            shifts.append(shift)

    def _shift(self, moment: Moment, *, near: bool) -> Shift | None:
        total = np.zeros((2, *self.grid.x.shape), np.float32)
        for number, (person, bases) in enumerate(self.moving):
            if person.near == near:
                factors = np.array(self.find_factors(moment, number), np.float32)
                total += np.tensordot(self.strength * factors, bases, 1)
        return Shift(total[0], total[1]) if total.any() else None


def _share_out(grid: Grid, people: Sequence[Person]) -> list[Map]:
    """How much each place is each person's: those who stand close together do not move each other."""
    if not people:
        return []
    away = np.array([np.hypot(grid.x - one.x, grid.y - one.y) / one.height for one in people]) ** 2
    weights = np.exp(-4 * (away - away.min(0)))
    return list((weights / weights.sum(0)).astype(np.float32))
