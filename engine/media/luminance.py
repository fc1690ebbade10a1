"""How bright each part of every frame is: flashing cannot be seen on sampled frames."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

GRID = (16, 16)
"""Rows and columns: fine enough for a quarter of the picture, coarse enough to forget grain."""
EVERY = 2
"""Of rows and columns, one in so many is read: a cell has hundreds of pixels still."""


def read_luminance(path: Path) -> NDArray[np.float32]:
    """Relative luminance, linear 0..1, as (frames, rows, columns). Raises ValueError: not a readable clip."""
    try:
        with av.open(str(path), "r", format="mp4") as container:
            return np.stack([_luminance(frame) for frame in container.decode(video=0)])
    except (av.FFmpegError, IndexError) as error:  # IndexError: there is no picture stream
        raise ValueError(f"not a readable clip: {type(error).__name__}") from error


def _luminance(frame: av.VideoFrame) -> NDArray[np.float32]:
    """BT.709 limited range to linear light by a power of 2.2, averaged over the cells of the grid."""
    plane = frame.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    linear = _LINEAR[rows[::EVERY, ::EVERY]]
    return np.asarray(cv2.resize(linear, GRID[::-1], interpolation=cv2.INTER_AREA), np.float32)


_LINEAR = (((np.arange(256) - 16) / 219).clip(0, 1) ** 2.2).astype(np.float32)
