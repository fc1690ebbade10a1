"""Camera moves: where the picture of each depth is at a moment. Every move begins at the photo, but for pull_out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.picture import Map, ease

TURN = 2 * math.pi


@dataclass(frozen=True, slots=True)
class Pose:
    """Zoom and shift of what is far (depth 0) and near (depth 1); between them it is linear in depth.

    Shifts move the picture, in shares of its short side; `roll` is in radians.
    """

    zoom_far: float = 1.0
    zoom_near: float = 1.0
    shift_far: tuple[float, float] = (0.0, 0.0)
    shift_near: tuple[float, float] = (0.0, 0.0)
    roll: float = 0.0


Move = Callable[[float, float, float], Pose]
"""Takes the share of the clip that has passed (0..1), the second, and the amount (1 as usual)."""


def _push_in(share: float, _second: float, amount: float) -> Pose:
    grown = amount * ease(share)
    return Pose(1 + 0.09 * grown, 1 + 0.16 * grown)


def _pull_out(share: float, _second: float, amount: float) -> Pose:
    """Begins at a crop and ends at the photo: there is nothing outside the photo to begin with."""
    left = amount * (1 - ease(share))
    return Pose(1 + 0.12 * left, 1 + 0.18 * left)


def _pan(direction: int) -> Move:
    def move(share: float, _second: float, amount: float) -> Pose:
        closer, along = amount * ease(1.5 * share), direction * amount * ease(share)
        return Pose(1 + 0.09 * closer, 1 + 0.13 * closer, (0.026 * along, 0), (0.05 * along, 0))

    return move


def _tilt(direction: int) -> Move:
    def move(share: float, _second: float, amount: float) -> Pose:
        closer, along = amount * ease(1.5 * share), direction * amount * ease(share)
        return Pose(1 + 0.09 * closer, 1 + 0.13 * closer, (0, 0.026 * along), (0, 0.05 * along))

    return move


def _orbit(share: float, _second: float, amount: float) -> Pose:
    """Far and near go opposite ways around the subject, once to each side."""
    across = amount * math.sin(TURN * share)
    down = 0.2 * amount * (1 - math.cos(TURN * share)) / 2
    closer = 0.06 * amount * ease(3 * share)
    return Pose(1 + closer, 1 + closer, (-0.012 * across, -0.01 * down), (0.022 * across, 0.02 * down))


def _dolly_zoom(share: float, _second: float, amount: float) -> Pose:
    """The near object keeps its size while what is behind it grows."""
    return Pose(zoom_far=1 + 0.18 * amount * ease(share), zoom_near=1 + 0.01 * ease(share))


def _handheld(share: float, second: float, amount: float) -> Pose:
    """Sums of slow and quick swings that start at rest; the zoom hides the edges."""
    grown, calm = 0.055 * ease(2.5 * share), amount * ease(second / 0.7)
    x = math.sin(1.9 * second) + 0.5 * math.sin(3.7 * second + 1) + 0.2 * math.sin(7.3 * second + 2)
    y = math.sin(2.3 * second + 0.5) + 0.5 * math.sin(4.1 * second + 3) + 0.2 * math.sin(8.1 * second)
    roll = 0.002 * calm * (math.sin(1.3 * second) + 0.4 * math.sin(3.1 * second + 1))
    far, near = 0.006 * calm, 0.009 * calm
    return Pose(1 + grown, 1 + 1.3 * grown, (far * x, far * y), (near * x, near * y), roll)


def _static(_share: float, _second: float, _amount: float) -> Pose:
    return Pose()


MOVES: Mapping[str, Move] = {
    "push_in": _push_in,
    "pull_out": _pull_out,
    "pan_left": _pan(+1),  # the camera goes left, the picture right
    "pan_right": _pan(-1),
    "tilt_up": _tilt(+1),  # the camera goes up, the picture down
    "tilt_down": _tilt(-1),
    "orbit": _orbit,
    "dolly_zoom": _dolly_zoom,
    "handheld": _handheld,
    "static": _static,
}


@dataclass(frozen=True, slots=True)
class Camera:
    """One move over one clip. `focus` (shares of the sides) is the point that stays where it is."""

    code: str
    amount: float
    focus: tuple[float, float]
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        """The focus in pixels."""
        return self.focus[0] * self.width, self.focus[1] * self.height

    def pose(self, share: float, second: float) -> Pose:
        return MOVES[self.code](share, second, self.amount)

    def look(self, pose: Pose, x: Map, y: Map, depth: Map | float) -> tuple[Map, Map]:
        """For pixels at `x`, `y` of the clip: where in the photo they come from. Never outside the photo."""
        short = min(self.width, self.height)
        zoom = pose.zoom_far + (pose.zoom_near - pose.zoom_far) * depth
        middle_x, middle_y = self.middle
        shift_x = self._inside(zoom, _between(pose, 0, depth) * short, middle_x, self.width)
        shift_y = self._inside(zoom, _between(pose, 1, depth) * short, middle_y, self.height)
        away_x, away_y = x - middle_x, y - middle_y
        from_x = middle_x + (away_x - pose.roll * away_y) / zoom - shift_x
        from_y = middle_y + (away_y + pose.roll * away_x) / zoom - shift_y
        return np.asarray(from_x), np.asarray(from_y)

    def look_flat(self, pose: Pose, depth: float) -> NDArray[np.float64]:
        """`look` for one depth, as a (2, 3) matrix from clip to photo."""
        x, y = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
        from_x, from_y = (axis.astype(np.float64) for axis in self.look(pose, x, y, depth))
        origin = np.array([from_x[0], from_y[0]])
        return np.column_stack([(from_x[1], from_y[1]) - origin, (from_x[2], from_y[2]) - origin, origin])

    def place(self, pose: Pose, x: Map, y: Map, *, depth: float = 0.0) -> tuple[Map, Map]:
        """Where points of the photo at one depth are in the clip: the inverse of `look`."""
        matrix = self.look_flat(pose, depth)
        back = np.linalg.inv(matrix[:, :2])
        away_x, away_y = x - matrix[0, 2], y - matrix[1, 2]
        return back[0, 0] * away_x + back[0, 1] * away_y, back[1, 0] * away_x + back[1, 1] * away_y

    @staticmethod
    def _inside(zoom: Map | float, shift: Map | float, middle: float, size: int) -> Map | float:
        """A shift larger than the zoom's margin would show the edge."""
        margin = 1 - 1 / zoom
        return np.clip(shift, -(size - 1 - middle) * margin, middle * margin)


def _between(pose: Pose, axis: int, depth: Map | float) -> Map | float:
    return pose.shift_far[axis] + (pose.shift_near[axis] - pose.shift_far[axis]) * depth
