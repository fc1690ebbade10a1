"""The eyes of a face: their lids as curves, from the landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.filters import to_luma
from engine.renderers.scene.landmarks import Mesh, Points
from engine.renderers.scene.picture import RGB, Map

_RIGHT = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133),
    (33, 7, 163, 144, 145, 153, 154, 155, 133),
    (113, 225, 224, 223, 222, 221, 189),
)
_LEFT = (
    (263, 466, 388, 387, 386, 385, 384, 398, 362),
    (263, 249, 390, 373, 374, 380, 381, 382, 362),
    (342, 445, 444, 443, 442, 441, 413),
)
"""The person's own right and left: the edge of the upper lid, of the lower lid, and the fold below the brow."""

_SHADE_RIGHT = ((110, 24, 23, 22), (50, 101, 118, 117))
_SHADE_LEFT = ((339, 254, 253, 252), (280, 330, 347, 346))
"""The skin below each eye, and that of the cheek."""

LEAST_OPENING = 0.025
"""Of the face's width; open eyes have .055 to .075."""
DARK_GLASSES = 0.42
"""How bright it is below the eyes against the cheeks. Deep-set eyes, clear glasses and hard light gave .45 to .9."""

Curve = NDArray[np.float64]
"""A polynomial over the share of the way from the middle (0) to a corner (-1, 1); pixels below the line of the corners."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """`middle` lies between the corners; `across` and `down` are unit vectors, `down` towards the chin."""

    middle: Points
    across: Points
    down: Points
    half_width: float
    upper: Curve
    lower: Curve
    fold: Curve

    @property
    def opening(self) -> float:
        """How far the lids are apart in the middle, in pixels."""
        return float(self.lower[-1] - self.upper[-1])

    def place(self, x: Map, y: Map) -> tuple[Map, Map]:
        """Pixels of the clip, in the eye's own axes."""
        away_x, away_y = x - self.middle[0], y - self.middle[1]
        return (
            away_x * self.across[0] + away_y * self.across[1],
            away_x * self.down[0] + away_y * self.down[1],
        )


def find_eyes(pixels: RGB, mesh: Mesh) -> tuple[Eye, Eye] | None:
    """The person's right eye and left eye; None where they are closed, or behind dark glasses."""
    right, left = (_trace(mesh.points, *lines) for lines in (_RIGHT, _LEFT))
    open_wide = min(right.opening, left.opening) >= LEAST_OPENING * mesh.width
    return (right, left) if open_wide and not _is_shaded(pixels, mesh.points) else None


def _is_shaded(pixels: RGB, points: Points) -> bool:
    """Below both eyes it is much darker than on the cheeks."""
    shares = [
        _brightness(pixels, points[list(below)]) / max(1.0, _brightness(pixels, points[list(cheek)]))
        for below, cheek in (_SHADE_RIGHT, _SHADE_LEFT)
    ]
    return max(shares) < DARK_GLASSES


def _brightness(pixels: RGB, points: Points) -> float:
    """The median luma, 0..255, of the pixels at some points and around each."""
    reach = np.arange(-2, 3)
    height, width = pixels.shape[:2]
    x = np.clip(points[:, :1].astype(int) + reach, 0, width - 1)
    y = np.clip(points[:, 1:].astype(int) + reach, 0, height - 1)
    around = pixels[y[:, :, None], x[:, None, :]].reshape(1, -1, 3)
    return float(np.median(to_luma(around)) * 255)


def _trace(points: Points, upper: Sequence[int], lower: Sequence[int], fold: Sequence[int]) -> Eye:
    """Smooth curves: one point that is a pixel off would be a dent in the lid."""
    one, other = points[upper[0]], points[upper[-1]]
    start, end = (one, other) if one[0] < other[0] else (other, one)
    middle, way = (start + end) / 2, end - start
    length = float(np.linalg.norm(way))
    across = way / length
    down = np.array([-across[1], across[0]], np.float32)

    def fit(line: Sequence[int], degree: int) -> Curve:
        away = points[list(line)] - middle
        return np.asarray(np.polyfit(away @ across / (length / 2), away @ down, degree))

    return Eye(middle, across, down, length / 2, fit(upper, 4), fit(lower, 4), fit(fold, 2))
