"""What can be measured of a clip without a model: is it this photo, does it move, does it hold together?

Pictures are gray, uint8, all of one size; a long side of about 320 pixels is enough. Flow is OpenCV's DIS optical flow;
the thresholds for these figures are in `engine/renderers/quality.py`. `measures.py` judges finished clips, in colour.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.media.measures import gray_similarity

Gray = NDArray[np.uint8]
"""(height, width)."""

LONG_SIDE = 320
PAIRS_A_SECOND = 8.0
SAME_DB = 55.0
"""Two pictures in a row that are closer than this (PSNR) are one picture."""


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
        first=gray_similarity(frames[0], photo),
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


def _distance_db(one: Gray, two: Gray) -> float:
    return float(cv2.PSNR(one, two))
