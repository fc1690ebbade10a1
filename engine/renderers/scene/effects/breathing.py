"""Breathing: chest and shoulders rise and sink, and the head sways a little on its neck."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.renderers.scene.effects.person import Bases, PersonEffect
from engine.renderers.scene.people import Person
from engine.renderers.scene.stage import Moment

BREATH = 3.6
"""Seconds: about what an adult at rest takes."""
RISE = 0.045  # of the face's height
TURN = 0.02  # radians
NOD = 0.012  # of the face's height


class Breathing(PersonEffect):
    def prepare(self) -> None:
        super().prepare()
        self.leads = self.stage.random("breathing").uniform(-0.6, 0.6, len(self.moving))

    def find_bases(self, person: Person) -> Bases:
        """Of breath, of turning around the neck, of nodding."""
        across = (self.grid.x - person.x) / person.height
        down = (self.grid.y - person.y) / person.height
        below = down - 1.9  # the chest's middle
        chest = np.exp(-((across / 2.2) ** 2) - (below / 1.5) ** 2)
        head = np.exp(
            -((across / 1.25) ** 2)
            - (np.maximum(down - 0.3, 0) / 0.55) ** 2
            - (np.minimum(down + 0.1, 0) / 1.6) ** 2
        )
        if not person.near:  # no layer of its own: what is beside the body stands still
            chest = chest * self.grid.sample(self.stage.reading.near)
        bases = [
            (0.45 * chest * across, -chest * (0.55 - 0.15 * below)),
            (-head * (down - 1.0), 0.5 * head * across),
            (np.zeros_like(head), head),
        ]
        return np.array(bases, np.float32) * np.float32(person.height)

    def find_factors(self, moment: Moment, number: int) -> Sequence[float]:
        """From where each person is in their breath: several do not breathe as one."""
        lead = self.leads[number]
        breath = (math.cos(lead) - math.cos(moment.turn(2 * math.pi / BREATH) + lead)) / 2
        turned = math.sin(moment.turn(1.46)) + 0.4 * (math.sin(moment.turn(2.73) + 0.7) - math.sin(0.7))
        return RISE * breath, TURN * turned, NOD * math.sin(moment.turn(2.03))
