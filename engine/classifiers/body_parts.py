"""Which parts of a body a picture shows, and whether they are covered: NudeNet 320n, an option under the AGPL-3.0.

Its package is not used: the network is run here, and of its boxes only the best score of each class is of interest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.models import find_model

CLASSES = (
    "female_genitalia_covered",
    "face_female",
    "buttocks_exposed",
    "female_breast_exposed",
    "female_genitalia_exposed",
    "male_breast_exposed",
    "anus_exposed",
    "feet_exposed",
    "belly_covered",
    "feet_covered",
    "armpits_covered",
    "armpits_exposed",
    "face_male",
    "belly_exposed",
    "male_genitalia_exposed",
    "anus_covered",
    "female_breast_covered",
    "buttocks_covered",
)
_SIDE = 320


class BodyPartReader:
    """Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    @classmethod
    def load(cls, models: Path) -> BodyPartReader:
        """Raises ConfigError where the weights were not fetched (`models fetch nudenet --accept-licence`)."""
        return cls(find_model(models, "nudenet"))

    def read(self, pixels: NDArray[np.uint8]) -> Mapping[str, float]:
        """The best score of each class, 0..1. `pixels` is RGB."""
        height, width = pixels.shape[:2]
        longest = max(height, width)
        square = cv2.copyMakeBorder(pixels, 0, longest - height, 0, longest - width, cv2.BORDER_CONSTANT)
        batch = cv2.dnn.blobFromImage(square, 1 / 255.0, (_SIDE, _SIDE), swapRB=False)
        scores = self._session.run(None, {"images": batch})[0][0, 4:]
        return dict(zip(CLASSES, scores.max(axis=1).tolist(), strict=True))
