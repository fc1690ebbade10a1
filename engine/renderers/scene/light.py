"""Light over a whole frame: effects add to it, then it is applied once."""

from __future__ import annotations

import cv2
import numpy as np

from engine.media.clip import Plane
from engine.renderers.scene.filters import resize_map
from engine.renderers.scene.picture import BLACK, GRAY, Map, Picture

_BLACK = np.full(4, float(BLACK))
"""As OpenCV takes a number: in its own saturating arithmetic, a third of numpy's time."""


class Light:
    """Neutral at first. Maps may have any size with the clip's shape; they are stretched over it."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._curves: list[Map] = []
        self._gains: list[Map | float] = []
        self._tints: list[tuple[Map | float, float, float]] = []
        self._saturation = 1.0

    def bend(self, curve: Map) -> None:
        """What becomes of each luma, 0..255, before any gain: 256 values."""
        self._curves.append(curve)

    def multiply(self, gain: Map | float) -> None:
        """Brightness; 1 changes nothing."""
        self._gains.append(gain)

    def tint(self, cover: Map | float, *, u: float, v: float) -> None:
        """Colour: `cover` × (`u`, `v`) is added to the chroma."""
        self._tints.append((cover, u, v))

    def saturate(self, factor: float) -> None:
        self._saturation *= factor

    def apply(self, picture: Picture) -> Picture:
        """The lit picture; the same one where nothing was asked."""
        return Picture(self._lit(picture.y), self._colored(picture.uv))

    def _lit(self, y: Plane) -> Plane:
        for curve in self._curves:
            y = np.asarray(cv2.LUT(y, np.clip(np.rint(curve), 0, 255).astype(np.uint8)), np.uint8)
        plain = float(np.prod([gain for gain in self._gains if isinstance(gain, float)]))
        maps = [gain for gain in self._gains if not isinstance(gain, float)]
        if not maps:
            return y if plain == 1 else np.asarray(cv2.LUT(y, _level_table(plain)), np.uint8)
        gain = np.float32(plain) * _product(maps)
        wide = resize_map(gain, *self._size)
        lit = cv2.multiply(cv2.subtract(y, _BLACK), wide, dtype=cv2.CV_8U)
        return np.asarray(cv2.add(lit, _BLACK), np.uint8)  # both stop at 0 and 255

    def _colored(self, uv: Plane) -> Plane:
        if self._saturation != 1:
            uv = np.asarray(cv2.LUT(uv, _chroma_table(self._saturation)), np.uint8)
        for cover, u, v in self._tints:
            uv = _tinted(uv, cover, u, v)
        return uv


def _product(maps: list[Map]) -> Map:
    """All at the size of the first."""
    height, width = maps[0].shape
    product = maps[0]
    for other in maps[1:]:
        product = product * resize_map(other, width, height)
    return product


def _level_table(gain: float) -> Plane:
    return np.asarray(np.clip(np.rint((np.arange(256) - BLACK) * gain + BLACK), 0, 255), np.uint8)


def _chroma_table(saturation: float) -> Plane:
    return np.asarray(np.clip(np.rint((np.arange(256) - GRAY) * saturation + GRAY), 0, 255), np.uint8)


def _tinted(uv: Plane, cover: Map | float, u: float, v: float) -> Plane:
    if isinstance(cover, float):
        tables = np.arange(256)[:, None] + np.rint([cover * u, cover * v])
        return np.asarray(cv2.LUT(uv, np.clip(tables, 0, 255).astype(np.uint8).reshape(1, 256, 2)), np.uint8)
    wide = resize_map(cover, uv.shape[1], uv.shape[0])
    return np.asarray(cv2.add(uv, cv2.merge([wide * u, wide * v]), dtype=cv2.CV_8U), np.uint8)
