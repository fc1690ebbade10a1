"""Expressions as soft pushes at landmarks: each moves one place of a face, and fades around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from engine.renderers.scene.effects.person import Bases
from engine.renderers.scene.landmarks import NOSE_BRIDGE, Mesh
from engine.renderers.scene.warp import Grid


class Push(NamedTuple):
    """The landmark moves away from the face's middle line and upwards; `reach` is a Gaussian's sigma.

    All in shares of the face's width. A push may be at most 1.6 times its reach, or the skin would fold.
    """

    landmark: int
    out: float
    up: float
    reach: float


def push_face(grid: Grid, mesh: Mesh, pushes: Iterable[Push]) -> Bases:
    """One basis: all pushes together."""
    up, width = mesh.up, mesh.width
    left = np.array([-up[1], up[0]])  # towards the right of the picture: the person's left
    moved = np.zeros((2, *grid.x.shape), np.float32)
    for push in pushes:
        place = mesh.points[push.landmark]
        side = float(np.sign((place - mesh.points[NOSE_BRIDGE]) @ left))
        way = (side * push.out * left + push.up * up) * width
        away = np.hypot(grid.x - place[0], grid.y - place[1]) / (push.reach * width)
        moved += np.exp(-0.5 * away**2) * way[:, None, None]
    return moved[None]
