"""The light of a photo: where it comes from, how warm it is, and whether it is night."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.renderers.scene.filters import blur, to_lab, to_luma
from engine.renderers.scene.picture import RGB, Map
from engine.renderers.scene.sky import Sky

DARK, DIM = 0.16, 0.3
"""Mean luma below which most of a photo is night, and above which none is."""


@dataclass(frozen=True, slots=True)
class Daylight:
    """`source` is the brightest place, in shares of the sides; `source_confidence` says how far it stands out.

    `warmth` is -1 for blue light, 1 for golden; `darkness` is 0 by day, 1 at night.
    """

    source: tuple[float, float] = (0.5, 0.2)
    source_confidence: float = 0.0
    warmth: float = 0.0
    darkness: float = 0.0

    @property
    def is_night(self) -> bool:
        return self.darkness > 0.5


def read_daylight(small: RGB, sky: Sky) -> Daylight:
    luma, lab = to_luma(small), to_lab(small)
    bright = blur(luma, 0.03 * luma.shape[1])
    rated = bright * (0.3 + 0.7 * sky.mask) if sky.is_open(asked=True) else bright.copy()
    rated[int(0.6 * len(rated)) :] *= np.float32(0.3)  # a lamp on the ground is not what lights the scene
    row, column = np.unravel_index(int(rated.argmax()), rated.shape)
    above = float(bright[row, column] - np.median(bright))
    lit = luma >= np.percentile(luma, 60)  # shadows are blue at any time of day
    return Daylight(
        source=((int(column) + 0.5) / luma.shape[1], (int(row) + 0.5) / luma.shape[0]),
        source_confidence=float(np.clip((above - 0.15) / 0.45, 0, 1)),
        warmth=float(np.clip(lab[..., 2][lit].mean() / 30, -1, 1)),
        darkness=_read_darkness(luma),
    )


def _read_darkness(luma: Map) -> float:
    """By the mean without the lamps: a night's picture has a few very bright places."""
    small = cv2.resize(luma, (32, 32), interpolation=cv2.INTER_AREA)
    middle = float(np.sort(small.ravel())[: int(0.9 * small.size)].mean())
    return float(np.clip((DIM - middle) / (DIM - DARK), 0, 1))
