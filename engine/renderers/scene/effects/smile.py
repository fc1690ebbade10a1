"""A smile: the corners of the mouth go up and outwards, the cheeks rise, and the eyes narrow a little."""

from __future__ import annotations

from collections.abc import Sequence

from engine.renderers.scene.effects.expression import Push, push_face
from engine.renderers.scene.effects.person import Bases, PersonEffect
from engine.renderers.scene.people import Person
from engine.renderers.scene.picture import ease
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment

RIGHT = (Push(61, 0.030, 0.033, 0.10), Push(50, 0.0, 0.016, 0.14), Push(145, 0.0, 0.006, 0.05))
LEFT = (Push(291, 0.030, 0.033, 0.10), Push(280, 0.0, 0.016, 0.14), Push(374, 0.0, 0.006, 0.05))
"""Corner of the mouth, cheek, lower lid."""

BROADEST = 1.3
"""However broad a smile is asked for: beyond this a mouth looks stretched."""

BEGINS, LASTS = 0.4, 1.1  # seconds


class Smile(PersonEffect):
    needs = Need.FACE

    def prepare(self) -> None:
        self.strength = min(self.strength, BROADEST)
        super().prepare()

    def choose_people(self) -> Sequence[Person]:
        return [person for person in self.stage.reading.people if person.mesh]

    def find_bases(self, person: Person) -> Bases:
        assert person.mesh
        return push_face(self.grid, person.mesh, RIGHT + LEFT)

    def find_factors(self, moment: Moment, number: int) -> Sequence[float]:
        """It comes and stays."""
        return (ease((moment.second - BEGINS - 0.25 * number) / LASTS),)
