"""Wind in hair and cloth: what lies loose around the face and below the shoulders sways; the face does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.renderers.scene.effects.person import Bases, PersonEffect
from engine.renderers.scene.filters import blur, make_clouds, resize_map
from engine.renderers.scene.people import Person
from engine.renderers.scene.picture import Map
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment


class Gust(NamedTuple):
    """Speed (rad/s), waves across a face's height, height against the first."""

    speed: float
    across: float
    height: float


GUSTS = (Gust(2.1, 0.7, 1.0), Gust(4.7, 1.5, 0.35))
SWING, MOST_SWING = 0.026, 0.006
"""Of the face's height, and of the short side at most: more pulls skin along."""
CLOTH = 0.4
"""How far cloth swings against hair."""


class Hair(PersonEffect):
    needs = Need.FIGURE

    def choose_people(self) -> Sequence[Person]:
        return [person for person in self.stage.reading.people if person.near]

    def find_bases(self, person: Person) -> Bases:
        """Sine and cosine of each gust's phase, times how loose each place is."""
        stage = self.stage
        across = (self.grid.x - person.x) / person.height
        down = (self.grid.y - person.y) / person.height
        short = min(stage.width, stage.height)
        swing = min(SWING * person.height, MOST_SWING * short)
        reach = swing * _looseness(across, down)
        rows, columns = across.shape
        uneven = 4.0 * (resize_map(make_clouds(stage.random("hair"), 64, slope=2.0), columns, rows) - 0.5)
        phases = [gust.across * (2 * np.pi * (across + 0.4 * down) + uneven) for gust in GUSTS]
        swings = [
            gust.height * reach * wave
            for gust, phase in zip(GUSTS, phases, strict=True)
            for wave in (np.sin(phase), np.cos(phase))
        ]
        return np.array([(swung, 0.3 * swung) for swung in swings], np.float32)

    def find_factors(self, moment: Moment, _number: int) -> Sequence[float]:
        """sin(phase + turn) - sin(phase), in parts."""
        turns = [moment.turn(gust.speed) for gust in GUSTS]
        return [part for turn in turns for part in (math.cos(turn) - 1, -math.sin(turn))]


def _looseness(across: Map, down: Map) -> Map:
    """0 on the face and the neck, 1 at the ends of the hair; from the face's middle, in faces' heights."""
    away = np.hypot(across / 0.42, (down + 0.02) / 0.56)
    hair = _step(away, 1.05, 1.9) * _step(-down, -1.2, -0.3)
    beside = np.maximum(
        _step(np.abs(across), 0.4, 0.7), _step(-down, -0.5, -0.2)
    )  # below the chin is the neck
    cloth = CLOTH * _step(down, 1.1, 2.2)
    near = _step(-np.abs(across), -2.4, -1.6)
    return np.asarray(blur(np.maximum(hair * beside, cloth) * near, 1.0), np.float32)


def _step(values: Map, low: float, high: float) -> Map:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
