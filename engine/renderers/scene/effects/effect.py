"""What an effect is: a class with up to eight hooks, each called once a frame. An effect overrides what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from engine.renderers.scene.light import Light
from engine.renderers.scene.patch import Patch
from engine.renderers.scene.picture import Picture
from engine.renderers.scene.places import Need
from engine.renderers.scene.stage import Moment, Stage
from engine.renderers.scene.warp import Shift, Warp


class Effect:
    """Made once per clip; `strength` is 1 as usual, 0.5 for a little, 1.6 for heavy.

    At the first frame (`moment.share == 0`) no hook may change anything: that frame is the photo.
    """

    needs: Need = Need.NOTHING

    looks_for: Need = Need.NOTHING
    """What it makes use of where the photo has it."""

    sounds: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """What it sounds like: codes of `scene/sound`, each with the strength that goes with a strength of 1 here."""

    def __init__(self, stage: Stage, strength: float) -> None:
        self.stage, self.strength = stage, strength
        self.prepare()

    @classmethod
    def flashes(cls, seed: int, seconds: float) -> tuple[float, ...]:
        """When it lightens in a clip of this length, in its seconds: thunder follows."""
        del seed, seconds
        return ()

    def prepare(self) -> None:
        """Whatever stays the same from frame to frame."""

    def retouch(self, moment: Moment, patches: list[Patch]) -> None:
        """Add what small parts of the photo look like, before anything moves."""

    def bend(self, moment: Moment, warp: Warp) -> None:
        """Move parts of the background."""

    def bend_near(self, moment: Moment, shifts: list[Shift]) -> None:
        """Add how parts of the near layer move by themselves; where nothing does, it moves as one plane: cheaper."""

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        """Paint, in place, over the background and behind the near object."""

    def hides(self, moment: Moment) -> float:
        """How much of the background is no longer what it was in the photo, 0..1.

        The near object is cut as close: a rim of the clear photo around it would be a halo.
        """
        del moment
        return 0.0

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        """Paint, in place, over everything."""

    def light(self, moment: Moment, light: Light) -> None:
        """Change brightness and colour."""

    def shine(self, moment: Moment, picture: Picture) -> None:
        """Add, in place, what gives light of its own."""
