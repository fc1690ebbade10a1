"""What an effect is: a class with up to five hooks, each called once a frame. An effect overrides what it needs."""

from __future__ import annotations

from enum import Enum

from engine.renderers.scene.light import Light
from engine.renderers.scene.picture import Picture
from engine.renderers.scene.stage import Moment, Stage
from engine.renderers.scene.warp import Warp


class Need(Enum):
    """What a photo must have for an effect to make sense."""

    NOTHING = "nothing"
    CLOUDS = "clouds"
    WATER = "water"


class Effect:
    """Made once per clip; `strength` is 1 as usual, 0.5 for a little, 1.6 for heavy.

    At the first frame (`moment.share == 0`) no hook may change anything: that frame is the photo.
    """

    needs: Need = Need.NOTHING

    def __init__(self, stage: Stage, strength: float) -> None:
        self.stage, self.strength = stage, strength
        self.prepare()

    def prepare(self) -> None:
        """Whatever stays the same from frame to frame."""

    def bend(self, moment: Moment, warp: Warp) -> None:
        """Move parts of the background."""

    def paint_behind(self, moment: Moment, picture: Picture) -> None:
        """Paint, in place, over the background and behind the near object."""

    def paint_before(self, moment: Moment, picture: Picture) -> None:
        """Paint, in place, over everything."""

    def light(self, moment: Moment, light: Light) -> None:
        """Change brightness and colour."""

    def shine(self, moment: Moment, picture: Picture) -> None:
        """Add, in place, what gives light of its own."""
