"""Looks in a photo for what the wishes need, and for nothing else: a mask that nobody asked for costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import Enum

from engine.renderers.scene.cup import find_opening
from engine.renderers.scene.flame import find_flames
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.shore import find_shore
from engine.renderers.scene.sky import Sky
from engine.renderers.scene.vegetation import find_vegetation
from engine.renderers.scene.water import find_water
from engine.renderers.scene.white_water import find_white_water


class Need(Enum):
    """What a photo must have for an effect to make sense."""

    NOTHING = "nothing"
    CLOUDS = "clouds"
    WATER = "water"
    SHORE = "shore"
    WHITE_WATER = "white_water"
    VEGETATION = "vegetation"
    FLAME = "flame"
    OPENING = "opening"
    """Of a cup or a pot, or the top of a dish."""
    FACE = "face"
    """One whose parts are known: see `landmarks.py`."""
    EYES = "eyes"
    """Open ones, of a face whose parts are known."""
    PERSON = "person"
    FIGURE = "figure"
    """A person who is in the near layer, and so can move without the background."""


Finder = Callable[[RGB, Sky, Map], Map]
"""Takes the photo at analysis size, its sky and its near object; 0..1, all zero where it is not to be trusted."""

FINDERS: Mapping[Need, Finder] = {
    Need.WATER: find_water,
    Need.SHORE: find_shore,
    Need.WHITE_WATER: find_white_water,
    Need.VEGETATION: find_vegetation,
    Need.FLAME: find_flames,
    Need.OPENING: find_opening,
}
"""Not here: the sky, which is always looked for, and people (`people.py`)."""


def find_places(needs: Iterable[Need], small: RGB, sky: Sky, near: Map) -> dict[Need, Map]:
    return {need: FINDERS[need](small, sky, near) for need in needs if need in FINDERS}
