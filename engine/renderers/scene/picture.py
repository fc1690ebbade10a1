"""Pictures as the renderer works on them: planar BT.709, limited range, chroma at half size and interleaved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.clip import Frame, Plane

RGB = NDArray[np.uint8]
"""(height, width, 3)."""

Map = NDArray[np.floating[Any]]
"""(height, width), or one value each of many things."""

BLACK, WHITE, GRAY = 16, 235, 128

_BT709 = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]], np.float32)
"""ITU-R BT.709-6, table 3: Y', Cb and Cr of R'G'B' in 0..1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """`y` is (height, width), `uv` is (height / 2, width / 2, 2): one remap moves both chroma planes."""

    y: Plane
    uv: Plane

    def to_frame(self) -> Frame:
        u, v = (
            np.asarray(cv2.extractChannel(self.uv, number), np.uint8) for number in (0, 1)
        )  # half of a split
        return Frame(self.y, u, v)


def to_picture(pixels: RGB) -> Picture:
    """Both sides of `pixels` must be even."""
    yuv = cv2.transform(pixels.astype(np.float32), _BT709)
    luma = yuv[..., 0] * ((WHITE - BLACK) / 255) + BLACK
    half = (pixels.shape[1] // 2, pixels.shape[0] // 2)
    chroma = cv2.resize(yuv[..., 1:], half, interpolation=cv2.INTER_AREA) * (224 / 255) + GRAY
    return Picture(_to_bytes(luma), _to_bytes(chroma))


def to_chroma(red: float, green: float, blue: float) -> tuple[float, float, float]:
    """One colour, 0..255 each, as Y, U, V in limited range."""
    y, u, v = (_BT709 @ np.array([red, green, blue], np.float32)).tolist()
    return y * (WHITE - BLACK) / 255 + BLACK, u * 224 / 255 + GRAY, v * 224 / 255 + GRAY


def blend(below: Plane, above: Plane | NDArray[np.uint8], cover: Plane) -> Plane:
    """`above` over `below`; `cover` is 0..255, of the same shape. Exact where cover is 0 or 255."""
    kept = cv2.multiply(below, cv2.bitwise_not(cover), scale=1 / 255)
    return np.asarray(cv2.add(kept, cv2.multiply(above, cover, scale=1 / 255)), np.uint8)


def ease(share: float) -> float:
    """0..1 to 0..1 with a soft start and a soft end."""
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _to_bytes(values: NDArray[np.float32]) -> Plane:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
