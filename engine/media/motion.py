"""What can be measured of a clip without a model: is it this photo, does it move, does it hold together?

Pictures are gray, uint8, all of one size; a long side of about 320 pixels is enough. Flow is OpenCV's DIS optical flow;
similarity is SSIM (Wang et al., 2004). Calibrated on synthetic clips of a real photo: docs/performance.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Gray = NDArray[np.uint8]
"""(height, width)."""

LONG_SIDE = 320
PAIRS_A_SECOND = 8.0
SAME_DB = 55.0
"""Two pictures in a row that are closer than this (PSNR) are one picture."""

_WINDOW, _SPREAD = (11, 11), 1.5
_C1, _C2 = 6.5, 58.5
"""SSIM's window, and its constants for 0..255."""


@dataclass(frozen=True, slots=True)
class Motion:
    """One clip. `first` is the first frame's SSIM to the photo.

    `moved` is the mean optical flow, in frame diagonals a second; `torn` how far the frames, moved along it, differ (0..1);
    `flicker` the mean second difference of brightness (0..1); `frozen` the share of frames that repeat the one before.
    """

    first: float
    moved: float
    torn: float
    flicker: float
    frozen: float


def shrink(plane: Gray) -> Gray:
    """To the size that is measured at."""
    scale = LONG_SIDE / max(plane.shape)
    size = max(8, round(plane.shape[1] * scale)), max(8, round(plane.shape[0] * scale))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def measure(frames: Sequence[Gray], photo: Gray, *, frames_per_second: float) -> Motion:
    """`photo` is cut as the clip is; `frames` are all of the clip's, in order, at least two."""
    stride = max(1, round(frames_per_second / PAIRS_A_SECOND))
    pairs = [(frames[number], frames[number + stride]) for number in range(0, len(frames) - stride, stride)]
    flows = [(one, two, find_flow(one, two)) for one, two in pairs or [(frames[0], frames[-1])]]
    diagonal, seconds = float(np.hypot(*frames[0].shape)), stride / frames_per_second
    brightness = np.array([frame.mean() for frame in frames]) / 255
    return Motion(
        first=find_similarity(frames[0], photo),
        moved=float(np.mean([np.linalg.norm(flow, axis=-1).mean() for *_, flow in flows]))
        / diagonal
        / seconds,
        torn=float(np.mean([find_tear(one, two, flow) for one, two, flow in flows])),
        flicker=float(np.abs(np.diff(brightness, 2)).mean()) if len(frames) > 2 else 0.0,
        frozen=float(np.mean([_distance_db(one, two) > SAME_DB for one, two in itertools.pairwise(frames)])),
    )


def find_flow(one: Gray, two: Gray) -> NDArray[np.float32]:
    """(height, width, 2): where each pixel of `one` is in `two`, in pixels."""
    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(one, two, None)  # type: ignore[call-overload]
    return np.asarray(flow, np.float32)


def find_tear(one: Gray, two: Gray, flow: NDArray[np.float32]) -> float:
    """The mean difference, 0..1, between `one` and `two` moved back along the flow."""
    rows, columns = np.mgrid[0 : one.shape[0], 0 : one.shape[1]].astype(np.float32)
    back = cv2.remap(
        two, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE
    )
    return float(np.abs(back.astype(np.float32) - one).mean() / 255)


def find_similarity(one: Gray, two: Gray) -> float:
    """SSIM, 1 for equal pictures."""
    first, second = one.astype(np.float32), two.astype(np.float32)
    mean_first, mean_second = _blur(first), _blur(second)
    spread_first, spread_second = (
        _blur(first * first) - mean_first**2,
        _blur(second * second) - mean_second**2,
    )
    together = _blur(first * second) - mean_first * mean_second
    above = (2 * mean_first * mean_second + _C1) * (2 * together + _C2)
    return float(
        (above / ((mean_first**2 + mean_second**2 + _C1) * (spread_first + spread_second + _C2))).mean()
    )


def _blur(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, _WINDOW, _SPREAD), np.float32)


def _distance_db(one: Gray, two: Gray) -> float:
    return float(cv2.PSNR(one, two))
