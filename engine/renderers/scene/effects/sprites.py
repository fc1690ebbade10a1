"""Small drawn pictures that fly through a clip: painted once, then turned, scaled and laid over each frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.picture import BLACK, WHITE, Map, Picture, to_chroma

SIDE = 128
"""Pixels of the largest size of a sprite; smaller ones are kept beside it, so that a small stamp does not sparkle."""

FINE = 3
"""How many times finer sprites are drawn."""


@dataclass(frozen=True, slots=True)
class Sprite:
    """The same drawing in halving sizes, each (side, side, 4): Y, U, V, cover; its colours go on beyond its outline."""

    sizes: tuple[NDArray[np.uint8], ...]

    def pick(self, reach: float) -> NDArray[np.uint8]:
        """The smallest size that is large enough for a half side of `reach` pixels."""
        enough = [size for size in self.sizes if len(size) >= 2 * reach]
        return enough[-1] if enough else self.sizes[0]


def canvas() -> tuple[Map, Map]:
    """Where each pixel of a drawing lies: across and down, -1..1."""
    line = (np.arange(SIDE * FINE, dtype=np.float32) + 0.5) * (2 / (SIDE * FINE)) - 1
    across, down = np.meshgrid(line, line)
    return across, down


def fill(inside: Map) -> Map:
    """The cover of a shape, from a distance to its outline, positive inside, in the units of `canvas`."""
    return np.asarray(np.clip(inside * (SIDE * FINE / 2) + 0.5, 0, 1), np.float32)


def make_sprite(color: tuple[float, float, float], shade: Map, cover: Map, *, soft: float = 0.0) -> Sprite:
    """`shade` multiplies the colour (red, green, blue, 0..255); above 1 it fades to white. `soft` blurs (of 1)."""
    tone = np.clip(shade, 0, 1)[..., None] * np.array(color, np.float32)
    glare = np.clip(shade - 1, 0, 1)[..., None] * (255 - tone)
    rgb = cv2.resize(tone + glare, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    small = cv2.resize(cover, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    if soft:
        sigma = soft * SIDE / 2
        rgb, small = cv2.GaussianBlur(rgb, (0, 0), sigma), cv2.GaussianBlur(small, (0, 0), sigma)
    planes = [*_to_planes(rgb.astype(np.float32)), small * 255]
    whole = np.rint(np.clip(cv2.merge(planes), 0, 255)).astype(np.uint8)
    sizes = [whole]
    while len(sizes[-1]) > 8:
        sizes.append(
            np.asarray(cv2.resize(sizes[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
        )
    return Sprite(tuple(sizes))


def stamp(
    picture: Picture,
    sprite: Sprite,
    middle: tuple[float, float],
    axes: Map,
    *,
    shade: float = 1.0,
    cover: float = 1.0,
) -> None:
    """Lay a sprite over a picture, in place. `axes` (2, 2): where half a side across, and down, leads, in pixels."""
    height, width = picture.y.shape
    reach_x, reach_y = np.abs(axes).sum(1)
    left, right = _even_span(middle[0] - reach_x, middle[0] + reach_x, width)
    top, bottom = _even_span(middle[1] - reach_y, middle[1] + reach_y, height)
    if right <= left or bottom <= top or cover < 0.01:
        return
    drawn = sprite.pick(float(max(reach_x, reach_y)))
    reach = len(drawn) / 2
    turn = axes / reach
    start = np.array(middle) - (left, top) - turn @ (reach - 0.5, reach - 0.5)
    moved = cv2.warpAffine(drawn, np.column_stack([turn, start]), (right - left, bottom - top))
    small = cv2.resize(moved, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    full, half = np.asarray(moved, np.float32), np.asarray(small, np.float32)
    level = np.minimum((full[..., 0] - BLACK) * np.float32(shade) + BLACK, WHITE)
    _mix(picture.y[top:bottom, left:right], level, full[..., 3], cover)
    below = picture.uv[top // 2 : bottom // 2, left // 2 : right // 2]
    _mix(below, half[..., 1:3], half[..., 3:], cover)


def _mix(below: NDArray[np.uint8], above: Map, share: Map, cover: float) -> None:
    kept = below.astype(np.float32)
    below[:] = (kept + (above - kept) * (share * np.float32(cover / 255)) + np.float32(0.5)).astype(np.uint8)


def _even_span(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(low - 2) // 2 * 2), min(size, int(high + 4) // 2 * 2)


def _to_planes(rgb: Map) -> list[Map]:
    origin = np.array(to_chroma(0, 0, 0))
    unit = np.array([np.array(to_chroma(*color)) - origin for color in np.eye(3).tolist()], np.float32)
    return list(cv2.split((rgb @ unit + origin).astype(np.float32)))
