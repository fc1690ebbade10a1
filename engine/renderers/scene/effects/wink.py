"""A wink: one eye closes for a moment, while the cheek below it rises and the mouth smiles a little."""

from __future__ import annotations

from collections.abc import Sequence

from engine.renderers.scene.effects.expression import Push, push_face
from engine.renderers.scene.effects.lid import Lid
from engine.renderers.scene.effects.person import Bases, PersonEffect
from engine.renderers.scene.patch import Patch
from engine.renderers.scene.people import Person
from engine.renderers.scene.picture import ease
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment

RIGHT = (Push(61, 0.018, 0.020, 0.09), Push(50, 0.0, 0.02, 0.12), Push(145, 0.0, 0.008, 0.05))
LEFT = (Push(291, 0.018, 0.020, 0.09), Push(280, 0.0, 0.02, 0.12), Push(374, 0.0, 0.008, 0.05))
"""Corner of the mouth, cheek, lower lid, on one side."""

BEGINS, CLOSING, SHUT, OPENING = 1.0, 0.14, 0.3, 0.25  # seconds


class Wink(PersonEffect):
    """The largest face winks, with the eye that is seen larger."""

    needs = Need.EYES

    def prepare(self) -> None:
        super().prepare()
        self.lids = [
            Lid(self.stage.photo, person.eyes[_side(person)]) for person, _ in self.moving if person.eyes
        ]
        self.begins = min(BEGINS, 0.3 * self.stage.seconds)

    def choose_people(self) -> Sequence[Person]:
        return [person for person in self.stage.reading.people if person.eyes][:1]

    def find_bases(self, person: Person) -> Bases:
        assert person.mesh
        return push_face(self.grid, person.mesh, (RIGHT, LEFT)[_side(person)])

    def find_factors(self, moment: Moment, _number: int) -> Sequence[float]:
        return (self._closed(moment, slower=1.4),)

    def retouch(self, moment: Moment, patches: list[Patch]) -> None:
        share = self._closed(moment, slower=1.0)
        if share > 0:
            patches.extend(lid.close(share) for lid in self.lids)

    def _closed(self, moment: Moment, *, slower: float) -> float:
        second = moment.since(self.begins)
        return ease(second / (slower * CLOSING)) - ease((second - CLOSING - SHUT) / (slower * OPENING))


def _side(person: Person) -> int:
    """0 for the person's right eye, 1 for the left."""
    assert person.eyes
    right, left = person.eyes
    return int(left.half_width > right.half_width)
