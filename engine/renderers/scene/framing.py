"""Which part of the photo the clip shows, and at what size: cropped around the subject, never stretched."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.renderers import ClipFormat
from engine.renderers.scene.picture import RGB

TALL = 9 / 16
"""Width over height of an upright clip, and the narrowest that we make."""

WIDE = 2.39
"""Width over height of the widest: cinema scope. A wider strip leaves too few rows on a phone."""

PORTRAIT_FROM = 1.1
"""Height over width from which a photo counts as upright; a nearly square one keeps its own shape."""


@dataclass(frozen=True, slots=True)
class Framing:
    """The crop in pixels of the photo, and the size of the clip; the clip's sides are even."""

    left: int
    top: int
    crop_width: int
    crop_height: int
    width: int
    height: int

    def crop(self, pixels: RGB) -> RGB:
        """The part that is shown, at the photo's size."""
        return pixels[self.top : self.top + self.crop_height, self.left : self.left + self.crop_width]

    def cut(self, pixels: RGB) -> RGB:
        """The crop at the clip's size. Averaged down, or enlarged by Lanczos: the photo's edges stay edges."""
        smaller = self.crop_width >= self.width
        method = cv2.INTER_AREA if smaller else cv2.INTER_LANCZOS4
        return np.ascontiguousarray(
            cv2.resize(self.crop(pixels), (self.width, self.height), interpolation=method), np.uint8
        )

    def place(self, x: float, y: float) -> tuple[float, float]:
        """A point in pixels of the photo, in shares of the clip's sides; outside 0..1 where it was cut off."""
        return (x - self.left) / self.crop_width, (y - self.top) / self.crop_height


def choose_framing(
    *, width: int, height: int, subject: tuple[float, float], clip_format: ClipFormat
) -> Framing:
    """`subject` is the middle of what must stay in view, in shares of the photo's sides."""
    clip_width, clip_height = _clip_size(width, height, clip_format)
    return crop_to(clip_width, clip_height, width=width, height=height, subject=subject)


def crop_to(
    clip_width: int, clip_height: int, *, width: int, height: int, subject: tuple[float, float]
) -> Framing:
    """The largest crop of the photo in the clip's shape, around `subject` as far as there is room."""
    ratio = clip_width / clip_height
    crop_width = min(width, max(1, round(height * ratio)))
    crop_height = min(height, max(1, round(width / ratio)))
    return Framing(
        left=_start(subject[0] * width, crop_width, width),
        top=_start(subject[1] * height, crop_height, height),
        crop_width=crop_width,
        crop_height=crop_height,
        width=clip_width,
        height=clip_height,
    )


def _clip_size(width: int, height: int, clip_format: ClipFormat) -> tuple[int, int]:
    short = _even(clip_format.short_side)
    if clip_format.aspect == "9:16" or height >= PORTRAIT_FROM * width:
        return short, int(short / TALL) // 16 * 16  # 720×1280, 1080×1920, 96×160: whole macroblocks
    ratio = min(WIDE, width / height)
    return (_even(short * ratio), short) if ratio >= 1 else (short, _even(short / ratio))


def _start(middle: float, size: int, whole: int) -> int:
    return min(max(0, round(middle - size / 2)), whole - size)


def _even(pixels: float) -> int:
    return max(2, round(pixels / 2) * 2)
