"""What an effect may look at, and the moment that it is asked for."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from engine.renderers.scene.analysis import Reading
from engine.renderers.scene.camera import TURN, Camera, Pose
from engine.renderers.scene.filters import resize_map
from engine.renderers.scene.picture import Map, Picture, ease


@dataclass(frozen=True, slots=True)
class Stage:
    """One photo at clip size, what was read in it, and how long the clip is. The same for all of its effects."""

    photo: Picture
    reading: Reading
    width: int
    height: int
    seconds: float
    seed: int

    @property
    def scale(self) -> float:
        """Sizes in this renderer are for a short side of 720 pixels."""
        return min(self.width, self.height) / 720

    @property
    def area(self) -> float:
        """Counts of things are for a clip of 720×1280."""
        return self.width * self.height / (720 * 1280) / self.scale**2

    def random(self, code: str) -> np.random.Generator:
        """The same photo, seed and effect give the same draw."""
        return draw_for(self.seed, code)

    def open_sky(self) -> Map:
        """The sky at analysis size, or nothing where it is not to be trusted."""
        sky = self.reading.sky
        return sky.mask if sky.is_open(asked=True) else np.zeros_like(sky.mask)

    def shrunk(self, values: Map, factor: int) -> Map:
        """A map of the photo at 1 / factor of the clip's size."""
        return resize_map(values, self.width // factor, self.height // factor)


def draw_for(seed: int, code: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(code.encode())])


@dataclass(frozen=True, slots=True)
class Moment:
    """`share` is 0..1 of the clip; `second` is the effects' time, which a caption may slow down or hurry.

    In a loop both go there and back, so that all comes back to the photo. `onward` is the effects' time that only goes
    on, for what falls or rises and fades out before the end. `lasts` is the effects' time of the whole clip.
    """

    share: float
    second: float
    onward: float
    lasts: float
    seconds: float
    loops: bool
    camera: Camera
    pose: Pose

    def since(self, start: float) -> float:
        """The effects' time since this second of the clip, for what begins there and is over before the end."""
        return self.onward - start * self.lasts / self.seconds

    @property
    def passed(self) -> float:
        """Seconds of the clip that have passed, in a loop too: for what must not be hurried."""
        return self.onward * self.seconds / self.lasts

    def fade(self, over: float) -> float:
        """0 at the first frame, 1 after `over` seconds, or by the middle of a short clip; 0 again as a loop closes."""
        return ease(self.share * self.seconds / min(over, 0.5 * self.seconds))

    def turn(self, speed: float) -> float:
        """How far something has turned that turns at `speed` (radians a second); in a loop whole turns, by the end."""
        if not self.loops:
            return speed * self.onward
        turns = max(1, round(abs(speed) * self.lasts / TURN))
        return math.copysign(turns, speed) * TURN * self.onward / self.lasts

    def place(self, x: Map, y: Map) -> tuple[Map, Map]:
        """Where points of the far background are now."""
        return self.camera.place(self.pose, x, y)
