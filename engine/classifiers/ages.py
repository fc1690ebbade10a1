"""How old a face looks: dlib's age network (CC0, by Cydral Technology) as ONNX, 64 px, 3 ms a face.

A guess, several years off either way, and never a proof: it may only ever choose a stricter rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.classifiers.faces import FoundFace
from engine.models import find_model

_SIDE = 64
_MEAN = np.array([122.781998, 117.000999, 104.297997], dtype=np.float32)
_PLACES = (
    (np.array([[0.2273, 0.2214], [0.7528, 0.2212], [0.4901, 0.6278]], dtype=np.float64) + 0.2) / 1.4 * _SIDE
)
"""Both eyes and the base of the nose in the picture that the network was trained on (dlib's template, padding 0.2)."""
_NOSE_BASE = 0.35
"""YuNet marks the nose's tip; its base is this far from there to the mouth."""
_YEARS = np.arange(81, dtype=np.float32)
_MINOR_YEARS = 18

LEAST_SIDE_PIXELS = 32
"""Of a smaller face nothing can be said."""
SURE_SIDE_PIXELS = 96
"""Adults that were taken for children had smaller faces, but for one in profile (186 portraits of strangers)."""


@dataclass(frozen=True, slots=True)
class ApparentAge:
    """`years` is the expected age, `minor` the chance of being under 18 by this model's own reckoning.

    `clear`: the face is large enough to tell a child by.
    """

    years: float
    minor: float
    clear: bool = True


class AgeReader:
    """Not for two threads at once."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    @classmethod
    def load(cls, models: Path) -> AgeReader:
        """Raises ConfigError where the weights are not in the models folder."""
        return cls(find_model(models, "ages"))

    def read(self, pixels: NDArray[np.uint8], found: FoundFace) -> ApparentAge | None:
        """None where the face is too small to tell."""
        side = min(found.face.width, found.face.height)
        if side < LEAST_SIDE_PIXELS:
            return None
        chip = (_align(pixels, found).astype(np.float32) - _MEAN) / 256.0
        (chances,) = self._session.run(None, {"images": chip.transpose(2, 0, 1)[np.newaxis]})[0]
        minor = float(chances[:_MINOR_YEARS].sum())
        return ApparentAge(years=float(chances @ _YEARS), minor=minor, clear=side >= SURE_SIDE_PIXELS)


def _align(pixels: NDArray[np.uint8], found: FoundFace) -> NDArray[np.uint8]:
    """(64, 64, 3) RGB: turned and scaled so that eyes and nose come to their places."""
    right_eye, left_eye, tip, *mouth = found.landmarks.astype(np.float64)
    base = tip + _NOSE_BASE * ((mouth[0] + mouth[1]) / 2 - tip)
    turn = _similarity(np.stack([right_eye, left_eye, base]), _PLACES)
    shrink = 2 * float(np.hypot(turn[0, 0], turn[0, 1]))
    if shrink < 1:  # sampling every tenth pixel of a large face would alias
        small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        pixels = np.asarray(small, dtype=np.uint8)
        turn[:, :2] /= shrink
    return np.asarray(cv2.warpAffine(pixels, turn, (_SIDE, _SIDE)), dtype=np.uint8)


def _similarity(points: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, 3): the turn, scale and shift that bring the points nearest to their places."""
    rows = [row for x, y in points for row in ((x, -y, 1, 0), (y, x, 0, 1))]
    a, b, right, down = np.linalg.lstsq(np.array(rows), places.ravel(), rcond=None)[0]
    return np.array([[a, -b, right], [b, a, down]])
