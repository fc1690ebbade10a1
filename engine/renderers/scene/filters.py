"""Filters over maps: smaller, along edges, and into gaps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.renderers.scene.picture import RGB, Map


def blur(values: Map, sigma: float) -> Map:
    """Gaussian."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def to_lab(pixels: RGB) -> NDArray[np.float32]:
    """CIE L*a*b*: L* 0..100, a* green to red, b* blue to yellow."""
    return np.asarray(cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)


def to_luma(pixels: RGB) -> Map:
    """0..1."""
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255


def to_long_side(pixels: RGB, long_side: int) -> RGB:
    """The same picture with its longer side of this many pixels: averaged down, or enlarged."""
    height, width = pixels.shape[:2]
    scale = long_side / max(width, height)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def guide(luma: Map, values: Map, radius: int, epsilon: float) -> Map:
    """The guided filter of He, Sun and Tang (2010): `values` follow the edges of `luma`."""
    box = (2 * radius + 1, 2 * radius + 1)
    mean_l, mean_v = cv2.blur(luma, box), cv2.blur(values, box)
    covariance = cv2.blur(luma * values, box) - mean_l * mean_v
    variance = cv2.blur(luma * luma, box) - mean_l * mean_l
    slope = covariance / (variance + epsilon)
    return np.asarray(cv2.blur(slope, box) * luma + cv2.blur(mean_v - slope * mean_l, box), np.float32)


def fill_gaps(values: Map, known: Map) -> Map:
    """Push-pull: what is not known (0) comes smoothly from what is (1). `values` is (height, width, channels)."""
    weighted: list[Map] = [values * known[..., None]]
    weights: list[Map] = [known.astype(np.float32)]
    while min(weights[-1].shape) > 4:
        weighted.append(_with_channels(np.asarray(cv2.pyrDown(weighted[-1]), np.float32)))
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    filled = weighted[-1] / np.maximum(weights[-1], 1e-4)[..., None]
    for value, weight in zip(weighted[-2::-1], weights[-2::-1], strict=True):
        coarse = _with_channels(resize_map(filled, weight.shape[1], weight.shape[0]))
        cover = np.clip(weight, 0, 1)[..., None]
        fine = np.where(cover > 0.02, value / np.maximum(weight, 0.02)[..., None], coarse)
        filled = fine * cover + coarse * (1 - cover)
    return np.asarray(filled, np.float32)


def _with_channels(values: Map) -> Map:
    """OpenCV drops the last axis of one-channel pictures."""
    return values if values.ndim == 3 else values[..., None]


def make_clouds(generator: np.random.Generator, size: int, *, slope: float = 1.8) -> Map:
    """A (size, size) texture that tiles: noise whose amplitude falls as 1 / frequency ** slope; middle 0.5."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None, :]) * size
    weight = np.where(frequency > 0, 1 / np.maximum(frequency, 1.0) ** slope, 0)
    noise = np.fft.irfft2(np.fft.rfft2(generator.standard_normal((size, size))) * weight, s=(size, size))
    return np.asarray(np.clip(0.5 + noise / (5 * noise.std()), 0, 1), np.float32)


def resize_map(values: Map, width: int, height: int) -> Map:
    """Linear; averaged where it gets smaller."""
    method = cv2.INTER_AREA if width < values.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (width, height), interpolation=method), np.float32)
