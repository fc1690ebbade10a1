"""Figures of a finished clip: how close it begins to the photo, what moves where, whether it flickers, stalls or loops.

For benches, and for whoever wants to judge clips of a generator. Motion is DIS optical flow (Kroeger et al., 2016) on
gray pictures with a short side of 270 pixels; speeds are in widths of the picture a second.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
RGB = NDArray[np.uint8]
Mask = NDArray[np.bool_]
_Flow = NDArray[np.float32]

SHORT_SIDE = 270
PAIRS = 24
"""How many pairs of frames are looked at for motion; more change no figure by more than a few percent."""

PAIR_GAP = 3  # frames: slow motion is larger than the flow's noise then
SAME = 2
"""Largest difference of two frames that nobody sees: a duplicate."""

STALL = 1e-3


@dataclass(frozen=True, slots=True)
class Measures:
    """`flow` is all motion, `own_flow` what a camera (the similarity that fits most of it) does not explain.

    `regions` is the motion inside each mask, `rest` outside all of them. `flicker` is the 95th percentile of how
    suddenly the mean brightness changes (0..255); `warp_error` is what motion does not explain of the next frame;
    `duplicates` is a share of the frames; `seam` is the jump from the last frame to the first, in mean steps, or in what
    the encoding changes of a still picture where the steps are smaller than that.
    """

    similarity: float
    psnr: float
    flow: float
    own_flow: float
    regions: Mapping[str, float] = field(default_factory=dict)
    rest: float = 0.0
    flicker: float = 0.0
    warp_error: float = 0.0
    duplicates: float = 0.0
    seam: float = 0.0
    end_change: float = 0.0


def measure_clip(
    frames: Iterable[RGB],
    *,
    photo: RGB,
    frames_per_second: float,
    regions: Mapping[str, Mask] | None = None,
) -> Measures:
    """`photo` as it should look in the first frame, at the frames' size; `regions` are masks of that size."""
    first: RGB | None = None
    small: list[Gray] = []
    for frame in frames:
        first = frame if first is None else first
        small.append(shrink(frame))
    if first is None or len(small) < 3:
        raise ValueError("a clip of fewer than three frames has no motion to measure")
    motion = _measure_motion(small, regions or {}, frames_per_second)
    steps = [_difference(one, two) for one, two in itertools.pairwise(small)]
    end = _difference(small[-1], small[0])
    coded = _difference(small[0], shrink(photo))
    return Measures(
        similarity=similarity(first, photo),
        psnr=float(cv2.PSNR(first, photo)),
        flow=motion.flow,
        own_flow=motion.own_flow,
        regions=motion.regions,
        rest=motion.rest,
        flicker=flicker(small),
        warp_error=_warp_error(small),
        duplicates=_duplicates(small),
        seam=end / max(STALL, coded, float(np.mean(steps))),
        end_change=end,
    )


def shrink(frame: RGB) -> Gray:
    height, width = frame.shape[:2]
    scale = min(1.0, SHORT_SIDE / min(height, width))
    size = (round(width * scale), round(height * scale))
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def similarity(one: RGB, two: RGB) -> float:
    """`gray_similarity` of the luma of two pictures."""
    left, right = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (one, two))
    return gray_similarity(np.asarray(left, np.uint8), np.asarray(right, np.uint8))


def gray_similarity(one: Gray, two: Gray) -> float:
    """Structural similarity (Wang et al., 2004) in windows of 8 pixels: 1 is the same picture."""
    left, right = one.astype(np.float64), two.astype(np.float64)
    mean_left, mean_right = cv2.blur(left, (8, 8)), cv2.blur(right, (8, 8))
    variance_left = cv2.blur(left * left, (8, 8)) - mean_left**2
    variance_right = cv2.blur(right * right, (8, 8)) - mean_right**2
    together = cv2.blur(left * right, (8, 8)) - mean_left * mean_right
    top = (2 * mean_left * mean_right + 6.5025) * (2 * together + 58.5225)  # (0.01 · 255)², (0.03 · 255)²
    bottom = (mean_left**2 + mean_right**2 + 6.5025) * (variance_left + variance_right + 58.5225)
    return float((top / bottom).mean())


def flicker(frames: Sequence[Gray]) -> float:
    """95th percentile of the second difference of the mean brightness: steady change, however large, has none."""
    brightness = np.array([float(frame.mean()) for frame in frames])
    return float(np.percentile(np.abs(np.diff(brightness, 2)), 95))


# --- motion ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Motion:
    flow: float
    own_flow: float
    regions: Mapping[str, float]
    rest: float


def _measure_motion(frames: Sequence[Gray], regions: Mapping[str, Mask], per_second: float) -> _Motion:
    gap = min(PAIR_GAP, len(frames) - 1)
    starts = sorted({round(at) for at in np.linspace(0, len(frames) - 1 - gap, PAIRS)})
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    height, width = frames[0].shape
    to_speed = per_second / gap / width
    moved, own = np.zeros((height, width)), []
    for start in starts:
        flow = np.asarray(finder.calc(frames[start], frames[start + gap], None), np.float32)
        moved += np.hypot(flow[..., 0], flow[..., 1]) * to_speed / len(starts)
        own.append(float(_without_camera(flow).mean()) * to_speed)
    masks = {name: _fit(mask, width, height) for name, mask in regions.items()}
    rest = _outside(masks, (height, width))
    return _Motion(
        flow=float(moved.mean()),
        own_flow=float(np.mean(own)),
        regions={name: float(moved[mask].mean()) for name, mask in masks.items() if mask.any()},
        rest=float(moved[rest].mean()) if rest.any() else 0.0,
    )


def _without_camera(flow: _Flow) -> NDArray[np.floating]:
    """What is left of the motion beside the one similarity that fits most of a grid of points."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    grid = (slice(8, None, 16), slice(8, None, 16))
    points = np.stack([x[grid].ravel(), y[grid].ravel()], 1)
    moved = points + flow[grid].reshape(-1, 2)
    matrix: Any = cv2.estimateAffinePartial2D(points, moved, ransacReprojThreshold=0.6)[0]
    if matrix is None:  # no similarity fits anything
        return np.hypot(flow[..., 0], flow[..., 1])
    camera_x = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] - x
    camera_y = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] - y
    return np.asarray(np.hypot(flow[..., 0] - camera_x, flow[..., 1] - camera_y))


def _fit(mask: Mask, width: int, height: int) -> Mask:
    return np.asarray(cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0)


def _outside(masks: Mapping[str, Mask], shape: tuple[int, int]) -> Mask:
    """Away from every mask, and from its border, where the flow smears."""
    together = np.zeros(shape, np.uint8)
    for mask in masks.values():
        together |= mask.astype(np.uint8)
    margin = max(3, min(shape) // 20) | 1
    return np.asarray(cv2.dilate(together, np.ones((margin, margin), np.uint8)) == 0)


# --- from frame to frame ---------------------------------------------------------------------------------


def _warp_error(frames: Sequence[Gray]) -> float:
    finder: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    height, width = frames[0].shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    errors = []
    for start in sorted({round(at) for at in np.linspace(0, len(frames) - 2, PAIRS // 2)}):
        one, two = frames[start], frames[start + 1]
        flow = finder.calc(two, one, None)
        warped = cv2.remap(one, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR)
        errors.append(_difference(np.asarray(warped, np.uint8), two))
    return float(np.mean(errors))


def _duplicates(frames: Sequence[Gray]) -> float:
    pairs = itertools.pairwise(frames)
    return float(np.mean([int(cv2.absdiff(one, two).max()) <= SAME for one, two in pairs]))


def _difference(one: Gray, two: Gray) -> float:
    return float(cv2.absdiff(one, two).mean())
